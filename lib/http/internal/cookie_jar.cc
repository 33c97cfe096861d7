#include <charconv>
#include <new>

#include "lib/http/client.h"
#include "lib/http/internal/cookie_share.h"

namespace http {
namespace {

/// A curl handle on the cookies alone.
class Peek {
 public:
  explicit Peek(CURLSH* share) : easy_(curl_easy_init()) {
    if (easy_ == nullptr) throw std::bad_alloc();
    curl_easy_setopt(easy_, CURLOPT_SHARE, share);
    curl_easy_setopt(easy_, CURLOPT_COOKIEFILE, "");
  }
  ~Peek() { curl_easy_cleanup(easy_); }
  Peek(const Peek&) = delete;
  Peek& operator=(const Peek&) = delete;
  CURL* get() const { return easy_; }

 private:
  CURL* easy_;
};

/// A line of a Netscape cookie file: domain, subdomains, path, secure, expires, name, value.
Cookie ParseLine(std::string_view line) {
  Cookie cookie;
  constexpr std::string_view kHttpOnly = "#HttpOnly_";
  if (line.starts_with(kHttpOnly)) {
    cookie.http_only = true;
    line.remove_prefix(kHttpOnly.size());
  }
  std::vector<std::string_view> columns;
  while (columns.size() < 6) {
    const size_t tab = std::min(line.find('\t'), line.size());
    columns.push_back(line.substr(0, tab));
    line.remove_prefix(std::min(tab + 1, line.size()));
  }
  cookie.domain = columns[0];
  cookie.path = columns[2];
  cookie.secure = columns[3] == "TRUE";
  std::from_chars(columns[4].data(), columns[4].data() + columns[4].size(), cookie.expires);
  cookie.name = columns[5];
  cookie.value = line;
  return cookie;
}

}  // namespace

CookieJar::CookieJar() : share_(std::make_unique<Share>()) {
  share_->handle = curl_share_init();
  if (share_->handle == nullptr) throw std::bad_alloc();
  curl_share_setopt(share_->handle, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
}

CookieJar::~CookieJar() { curl_share_cleanup(share_->handle); }

std::vector<Cookie> CookieJar::All() const {
  const Peek peek(share_->handle);
  curl_slist* lines = nullptr;
  curl_easy_getinfo(peek.get(), CURLINFO_COOKIELIST, &lines);
  std::vector<Cookie> cookies;
  for (const curl_slist* line = lines; line != nullptr; line = line->next) {
    cookies.push_back(ParseLine(line->data));
  }
  curl_slist_free_all(lines);
  return cookies;
}

void CookieJar::Clear() {
  const Peek peek(share_->handle);
  curl_easy_setopt(peek.get(), CURLOPT_COOKIELIST, "ALL");
}

}  // namespace http
