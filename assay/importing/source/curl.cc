#include "assay/importing/source/curl.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>

#include <fmt/format.h>

#include "assay/importing/scenario_writer.h"
#include "assay/importing/slot.h"
#include "assay/importing/source/shell_words.h"
#include "lib/base/suggest.h"

namespace assay::importing {
namespace {

using base::ErrorCode;

enum class Flag {
  kRequest,
  kHeader,
  kData,
  kDataRaw,
  kDataBinary,
  kDataUrlencode,
  kJson,
  kForm,
  kFormString,
  kUser,
  kCookie,
  kGet,
  kHead,
  kInsecure,
  kLocation,
  kMaxRedirects,
  kUrl,
  kBearer,
  kDigest,
  kBasic,
  kUserAgent,
  kReferer,
  kProxy,
  kUnixSocket,
  kCaCert,
  kCert,
  kKey,
  kMaxTime,
  kHttp11,
  kHttp2,
  kUpload,
  kRange,
  kFail,
  kQuiet,  ///< changes only what curl prints, or what is so by itself
  kNoted,  ///< means something that a step cannot say
};

struct Option {
  std::string_view name;
  char letter;
  bool has_value;
  Flag flag;
};

// From `man curl` 7.88.
constexpr std::array kOptions = std::to_array<Option>({
    {"request", 'X', true, Flag::kRequest},
    {"header", 'H', true, Flag::kHeader},
    {"data", 'd', true, Flag::kData},
    {"data-ascii", 0, true, Flag::kData},
    {"data-raw", 0, true, Flag::kDataRaw},
    {"data-binary", 0, true, Flag::kDataBinary},
    {"data-urlencode", 0, true, Flag::kDataUrlencode},
    {"json", 0, true, Flag::kJson},
    {"form", 'F', true, Flag::kForm},
    {"form-string", 0, true, Flag::kFormString},
    {"user", 'u', true, Flag::kUser},
    {"cookie", 'b', true, Flag::kCookie},
    {"get", 'G', false, Flag::kGet},
    {"head", 'I', false, Flag::kHead},
    {"insecure", 'k', false, Flag::kInsecure},
    {"location", 'L', false, Flag::kLocation},
    {"location-trusted", 0, false, Flag::kLocation},
    {"max-redirs", 0, true, Flag::kMaxRedirects},
    {"url", 0, true, Flag::kUrl},
    {"oauth2-bearer", 0, true, Flag::kBearer},
    {"digest", 0, false, Flag::kDigest},
    {"basic", 0, false, Flag::kBasic},
    {"user-agent", 'A', true, Flag::kUserAgent},
    {"referer", 'e', true, Flag::kReferer},
    {"proxy", 'x', true, Flag::kProxy},
    {"unix-socket", 0, true, Flag::kUnixSocket},
    {"cacert", 0, true, Flag::kCaCert},
    {"cert", 'E', true, Flag::kCert},
    {"key", 0, true, Flag::kKey},
    {"max-time", 'm', true, Flag::kMaxTime},
    {"http1.1", 0, false, Flag::kHttp11},
    {"http2", 0, false, Flag::kHttp2},
    {"upload-file", 'T', true, Flag::kUpload},
    {"range", 'r', true, Flag::kRange},
    {"fail", 'f', false, Flag::kFail},
    {"fail-with-body", 0, false, Flag::kFail},
    {"silent", 's', false, Flag::kQuiet},
    {"show-error", 'S', false, Flag::kQuiet},
    {"verbose", 'v', false, Flag::kQuiet},
    {"include", 'i', false, Flag::kQuiet},
    {"compressed", 0, false, Flag::kQuiet},
    {"no-buffer", 'N', false, Flag::kQuiet},
    {"progress-bar", '#', false, Flag::kQuiet},
    {"no-progress-meter", 0, false, Flag::kQuiet},
    {"globoff", 'g', false, Flag::kQuiet},
    {"output", 'o', true, Flag::kQuiet},
    {"remote-name", 'O', false, Flag::kQuiet},
    {"write-out", 'w', true, Flag::kQuiet},
    {"dump-header", 'D', true, Flag::kQuiet},
    {"cookie-jar", 'c', true, Flag::kQuiet},
    {"connect-timeout", 0, true, Flag::kQuiet},
    {"path-as-is", 0, false, Flag::kQuiet},
    {"trace", 0, true, Flag::kQuiet},
    {"trace-ascii", 0, true, Flag::kQuiet},
    {"create-dirs", 0, false, Flag::kQuiet},
    {"no-keepalive", 0, false, Flag::kQuiet},
    {"keepalive-time", 0, true, Flag::kQuiet},
    {"tcp-nodelay", 0, false, Flag::kQuiet},
    {"ipv4", '4', false, Flag::kNoted},
    {"ipv6", '6', false, Flag::kNoted},
    {"resolve", 0, true, Flag::kNoted},
    {"connect-to", 0, true, Flag::kNoted},
    {"interface", 0, true, Flag::kNoted},
    {"retry", 0, true, Flag::kNoted},
    {"retry-delay", 0, true, Flag::kNoted},
    {"retry-max-time", 0, true, Flag::kNoted},
    {"retry-connrefused", 0, false, Flag::kNoted},
    {"retry-all-errors", 0, false, Flag::kNoted},
    {"limit-rate", 0, true, Flag::kNoted},
    {"ciphers", 0, true, Flag::kNoted},
    {"tlsv1.2", 0, false, Flag::kNoted},
    {"tlsv1.3", 0, false, Flag::kNoted},
    {"http1.0", '0', false, Flag::kNoted},
    {"http3", 0, false, Flag::kNoted},
    {"config", 'K', true, Flag::kNoted},
    {"netrc", 'n', false, Flag::kNoted},
    {"ntlm", 0, false, Flag::kNoted},
    {"negotiate", 0, false, Flag::kNoted},
    {"aws-sigv4", 0, true, Flag::kNoted},
    {"proxy-user", 'U', true, Flag::kNoted},
    {"noproxy", 0, true, Flag::kNoted},
    {"next", ':', false, Flag::kNoted},
});

const Option* FindLong(std::string_view name) {
  const auto found = std::ranges::find(kOptions, name, &Option::name);
  return found == kOptions.end() ? nullptr : &*found;
}

const Option* FindShort(char letter) {
  const auto found = std::ranges::find(kOptions, letter, &Option::letter);
  return found == kOptions.end() ? nullptr : &*found;
}

struct Given {
  const Option* option = nullptr;  ///< null: a URL
  std::string value;
  base::SourceSpan span;
};

std::unexpected<base::Error> Wrong(const base::SourceSpan& span, std::string message,
                                   std::string hint = {}) {
  return base::Fail(base::Error{ErrorCode::kInvalid, std::move(message), span, std::move(hint)});
}

/// The words of one command as options with their values.
base::Result<std::vector<Given>> ReadOptions(const ShellCommand& command) {
  std::vector<Given> out;
  const auto& words = command.words;
  bool only_urls = false;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& text = words[i].text;
    const auto value = [&](std::string_view name) -> base::Result<std::string> {
      if (i + 1 >= words.size()) return Wrong(words[i].span, fmt::format("{} has no value", name));
      return words[++i].text;
    };
    if (only_urls || !text.starts_with('-') || text == "-") {
      out.push_back({nullptr, text, words[i].span});
    } else if (text == "--") {
      only_urls = true;
    } else if (text.starts_with("--")) {
      const base::SourceSpan span = words[i].span;
      const Option* option = FindLong(std::string_view(text).substr(2));
      if (option == nullptr) {
        std::vector<std::string> known;
        for (const Option& one : kOptions) known.push_back(fmt::format("--{}", one.name));
        const std::string near = base::Nearest(text, known);
        return Wrong(span, fmt::format("unknown option \"{}\" of curl", text),
                     near.empty() ? "leave it out, or write the step by hand"
                                  : fmt::format("did you mean \"{}\"?", near));
      }
      Given given{option, {}, span};
      if (option->has_value) {
        TRY(given.value, value(text));
      }
      out.push_back(std::move(given));
    } else {
      for (size_t k = 1; k < text.size(); ++k) {
        const Option* option = FindShort(text[k]);
        if (option == nullptr)
          return Wrong(words[i].span, fmt::format("unknown option \"-{}\" of curl", text[k]),
                       "leave it out, or write the step by hand");
        Given given{option, {}, words[i].span};
        if (option->has_value && k + 1 < text.size()) {
          given.value = text.substr(k + 1);
          k = text.size();
        } else if (option->has_value) {
          TRY(given.value, value(fmt::format("-{}", text[k])));
          out.push_back(std::move(given));
          break;
        }
        out.push_back(std::move(given));
      }
    }
  }
  return out;
}

/// Builds the exchange of one command.
class CommandReader {
 public:
  CommandReader(Draft& draft, std::string place) : draft_(draft), place_(std::move(place)) {}

  base::Result<std::vector<Exchange>> Read(const ShellCommand& command) {
    TRY(const std::vector<Given> all, ReadOptions(command));
    exchange_.place = place_;
    for (const Given& given : all) {
      if (given.option == nullptr || given.option->flag == Flag::kUrl) {
        urls_.push_back(given);
      } else {
        TRY(Take(given));
      }
    }
    if (urls_.empty()) return Wrong(command.words.front().span, "this command has no URL");
    Finish();
    std::vector<Exchange> out;
    for (const Given& url : urls_) {
      Exchange one = exchange_;
      TRY(SetUrl(url, one));
      out.push_back(std::move(one));
    }
    return out;
  }

 private:
  void Note(std::string text) { draft_.notes.push_back({place_, std::move(text)}); }

  base::Result<void> Take(const Given& given) {
    const std::string& value = given.value;
    switch (given.option->flag) {
      case Flag::kRequest:
        method_ = value;
        break;
      case Flag::kHeader:
        return TakeHeader(given);
      case Flag::kData:
      case Flag::kDataRaw:
      case Flag::kDataBinary:
        return TakeData(given);
      case Flag::kDataUrlencode:
        TakeUrlencoded(value);
        break;
      case Flag::kJson:
        AddDefault("Content-Type", "application/json");
        AddDefault("Accept", "application/json");
        return TakeData(given);
      case Flag::kForm:
      case Flag::kFormString:
        return TakePart(given);
      case Flag::kUser: {
        const size_t colon = value.find(':');
        exchange_.auth =
            Credentials{"basic",
                        {{"user", value.substr(0, colon)},
                         {"password", colon == std::string::npos ? "" : value.substr(colon + 1)}}};
        break;
      }
      case Flag::kBearer:
        exchange_.auth = Credentials{"bearer", {{"token", value}}};
        break;
      case Flag::kCookie:
        if (value.contains('=')) {
          exchange_.headers.Add("Cookie", value);
        } else {
          Note(fmt::format("-b {} reads cookies from a file: a scenario keeps its own cookies",
                           value));
        }
        break;
      default:
        return TakeSetting(given);
    }
    return {};
  }

  base::Result<void> TakeSetting(const Given& given) {
    const std::string& value = given.value;
    switch (given.option->flag) {
      case Flag::kGet:
        data_in_query_ = true;
        break;
      case Flag::kHead:
        head_ = true;
        break;
      case Flag::kInsecure:
        tls_.Add("insecure", Yaml::Plain("true"));
        break;
      case Flag::kCaCert:
        tls_.Add("ca", Yaml::Text(value));
        break;
      case Flag::kLocation:
        SetOption("follow", Yaml::Plain("true"));
        break;
      case Flag::kMaxRedirects:
        return SetNumber("max_redirects", given);
      case Flag::kDigest:
        digest_ = true;
        break;
      case Flag::kBasic:
        break;
      case Flag::kUserAgent:
        exchange_.headers.Set("User-Agent", value);
        break;
      case Flag::kReferer:
        exchange_.headers.Set("Referer", value);
        break;
      case Flag::kRange:
        exchange_.headers.Set("Range", "bytes=" + value);
        break;
      case Flag::kProxy:
        SetOption("proxy", Yaml::Text(value.contains("://") ? value : "http://" + value));
        break;
      case Flag::kUnixSocket:
        SetOption("unix_socket", Yaml::Text(value));
        break;
      case Flag::kCert:
        certificate_ = value.substr(0, value.find(':'));
        break;
      case Flag::kKey:
        key_ = value;
        break;
      case Flag::kMaxTime:
        SetOption("timeout", Yaml::Text(value + "s"));
        break;
      case Flag::kHttp11:
        SetOption("version", Yaml::Text("1.1"));
        break;
      case Flag::kHttp2:
        SetOption("version", Yaml::Text("2"));
        break;
      case Flag::kUpload:
        exchange_.content = FileContent{value};
        upload_ = true;
        Note(fmt::format("the file \"{}\" is looked for beside the scenario", value));
        break;
      case Flag::kNoted:
        Note(fmt::format("--{}{} is left out: a step has no such setting", given.option->name,
                         given.option->has_value ? " " + value : ""));
        break;
      default:
        break;
    }
    return {};
  }

  void SetOption(std::string key, Yaml value) {
    std::erase_if(exchange_.options, [&](const auto& one) { return one.first == key; });
    exchange_.options.emplace_back(std::move(key), std::move(value));
  }

  base::Result<void> SetNumber(std::string key, const Given& given) {
    if (given.value.empty() || given.value.find_first_not_of("0123456789") != std::string::npos) {
      return Wrong(given.span,
                   fmt::format("--{} \"{}\" is no number", given.option->name, given.value));
    }
    SetOption(std::move(key), Yaml::Plain(given.value));
    return {};
  }

  void AddDefault(std::string_view name, std::string_view value) {
    if (!exchange_.headers.Has(name)) exchange_.headers.Add(name, value);
  }

  base::Result<void> TakeHeader(const Given& given) {
    const size_t colon = given.value.find_first_of(":;");
    if (given.value.starts_with('@')) {
      Note(fmt::format("-H {} reads fields from a file, which is not read here", given.value));
      return {};
    }
    if (colon == std::string::npos || colon == 0 ||
        !http::IsFieldName(std::string_view(given.value).substr(0, colon))) {
      return Wrong(given.span, fmt::format("-H \"{}\" is no header field", given.value),
                   "expected `Name: value`");
    }
    const std::string name = given.value.substr(0, colon);
    const std::string value(http::TrimBlanks(std::string_view(given.value).substr(colon + 1)));
    exchange_.headers.Remove(name);
    if (!value.empty()) exchange_.headers.Add(name, value);
    return {};
  }

  base::Result<void> TakeData(const Given& given) {
    std::string value = given.value;
    if (value.starts_with('@') && given.option->flag != Flag::kDataRaw) {
      const std::string file = value.substr(1);
      if (file == "-")
        return Wrong(given.span, "the body is read from standard input, which is not known here",
                     "put it into a file");
      exchange_.content = FileContent{file};
      Note(fmt::format("the file \"{}\" is looked for beside the scenario", file));
      return {};
    }
    const bool raw = given.option->flag == Flag::kJson;
    if (has_data_ && !raw) data_ += '&';
    data_ += value;
    has_data_ = true;
    return {};
  }

  void TakeUrlencoded(const std::string& value) {
    const size_t equals = value.find('=');
    std::string pair;
    if (equals == std::string::npos && value.contains('@')) {
      Note(fmt::format("--data-urlencode {} reads a file, which is not read here", value));
      return;
    }
    const auto encode = [](std::string_view text) {
      return MapLiterals(text, [](std::string_view part) { return http::PercentEncode(part); });
    };
    if (equals == std::string::npos || equals == 0) {
      pair = encode(value.substr(equals == 0 ? 1 : 0));
    } else {
      pair = value.substr(0, equals) + "=" + encode(std::string_view(value).substr(equals + 1));
    }
    data_ += (has_data_ ? "&" : "") + pair;
    has_data_ = true;
  }

  base::Result<void> TakePart(const Given& given) {
    const size_t equals = given.value.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Wrong(given.span, fmt::format("-F \"{}\" is no name=value", given.value));
    }
    Part part{.name = given.value.substr(0, equals)};
    std::string value = given.value.substr(equals + 1);
    const bool literal = given.option->flag == Flag::kFormString;
    if (!literal && (value.starts_with('@') || value.starts_with('<'))) {
      TakeAttributes(value, part);
      part.file = value.substr(1);
      Note(fmt::format("the file \"{}\" is looked for beside the scenario", part.file));
    } else {
      if (!literal) TakeAttributes(value, part);
      part.text = value;
    }
    parts_.push_back(std::move(part));
    return {};
  }

  // `;type=text/plain;filename=x` at the end of a part.
  static void TakeAttributes(std::string& value, Part& part) {
    for (const auto& [key, field] :
         {std::pair("type", &Part::content_type), std::pair("filename", &Part::filename)}) {
      const std::string mark = fmt::format(";{}=", key);
      const size_t at = value.find(mark);
      if (at == std::string::npos) continue;
      const size_t end = std::min(value.find(';', at + mark.size()), value.size());
      std::string found = value.substr(at + mark.size(), end - at - mark.size());
      if (found.size() >= 2 && found.front() == '"' && found.back() == '"')
        found = found.substr(1, found.size() - 2);
      part.*field = found;
      value.erase(at, end - at);
    }
  }

  void Finish() {
    if (!parts_.empty()) exchange_.content = std::move(parts_);
    if (digest_ && exchange_.auth) exchange_.auth->kind = "digest";
    if (has_data_ && !data_in_query_) {
      if (!exchange_.headers.Has("Content-Type"))
        exchange_.headers.Set("Content-Type", "application/x-www-form-urlencoded");
      exchange_.content = FormOrText();
    }
    const bool has_content = !std::holds_alternative<std::monostate>(exchange_.content);
    exchange_.method = !method_.empty() ? method_
                       : head_          ? "HEAD"
                       : upload_        ? "PUT"
                       : has_content    ? "POST"
                                        : "GET";
    if (!certificate_.empty()) {
      Pairs fields{{"certificate", certificate_}, {"key", key_.empty() ? certificate_ : key_}};
      Yaml mtls = Yaml::Map();
      for (const auto& [name, value] : fields) mtls.Add(name, Yaml::Text(value));
      if (exchange_.auth) {
        Note("the client certificate is left out: the step authenticates in another way already");
      } else {
        exchange_.options.emplace_back("auth", Yaml::Map({{"mtls", std::move(mtls)}}));
      }
    }
    if (!tls_.empty()) exchange_.options.emplace_back("tls", std::move(tls_));
  }

  // With slots the text cannot be split later, because their characters are encoded ones.
  Content FormOrText() const {
    if (exchange_.headers.Get("Content-Type") != "application/x-www-form-urlencoded") return data_;
    Pairs form;
    std::string_view rest = data_;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('&'), rest.size());
      const std::string_view one = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const size_t equals = one.find('=');
      // A body such as {"a": 1} that was sent without saying its type.
      if (equals == std::string_view::npos || equals == 0) return data_;
      bool broken = false;
      const auto decode = [&](std::string_view text) {
        return MapLiterals(text, [&](std::string_view part) {
          std::string plus(part);
          std::ranges::replace(plus, '+', ' ');
          auto decoded = http::PercentDecode(plus);
          if (!decoded) broken = true;
          return decoded.value_or(plus);
        });
      };
      form.emplace_back(decode(one.substr(0, equals)), decode(one.substr(equals + 1)));
      if (broken || form.back().first.find_first_of("{[\"") != std::string::npos) return data_;
    }
    return form;
  }

  base::Result<void> SetUrl(const Given& given, Exchange& out) {
    std::string text = given.value;
    if (data_in_query_ && has_data_) text += (text.contains('?') ? "&" : "?") + data_;
    if (text.starts_with(kSlotOpen)) {
      // `$BASE/notes`: the variable holds the address.
      const size_t end = text.find(kSlotClose) + kSlotClose.size();
      const std::string variable = ToTitle(text.substr(0, end));
      Note(fmt::format("{} at the beginning of the URL is taken for the default endpoint",
                       variable));
      text = "http://localhost:8080" + text.substr(end);
      out.origin.clear();
    } else {
      if (!text.contains("://")) text = "http://" + text;
    }
    const size_t authority = text.find("://") + 3;
    const size_t path_start = std::min(text.find_first_of("/?#", authority), text.size());
    const auto url = http::ParseUrl(text.substr(0, path_start));
    if (!url)
      return Wrong(given.span, url.error().message,
                   "expected a URL such as http://localhost:8080/notes");
    if (!given.value.starts_with(kSlotOpen))
      out.origin = fmt::format("{}://{}", url->scheme, url->Authority());
    if (!url->user.empty() && !out.auth) {
      out.auth =
          Credentials{"basic",
                      {{"user", http::PercentDecode(url->user).value_or(url->user)},
                       {"password", http::PercentDecode(url->password).value_or(url->password)}}};
    }
    std::string rest = text.substr(path_start);
    rest = rest.substr(0, rest.find('#'));
    const size_t query = std::min(rest.find('?'), rest.size());
    out.path = rest.substr(0, query);
    if (out.path.empty()) out.path = "/";
    if (query < rest.size()) SetQuery(rest.substr(query + 1), out);
    return {};
  }

  static void SetQuery(std::string_view text, Exchange& out) {
    while (!text.empty()) {
      const size_t end = std::min(text.find('&'), text.size());
      const std::string_view one = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (one.empty()) continue;
      const size_t equals = std::min(one.find('='), one.size());
      const auto decode = [](std::string_view part) {
        return MapLiterals(part, [](std::string_view literal) {
          std::string plus(literal);
          std::ranges::replace(plus, '+', ' ');
          return http::PercentDecode(plus).value_or(std::string(literal));
        });
      };
      out.query.push_back(
          {decode(one.substr(0, equals)), decode(one.substr(std::min(equals + 1, one.size())))});
    }
  }

  Draft& draft_;
  std::string place_;
  Exchange exchange_;
  std::vector<Given> urls_;
  std::string method_;
  std::string data_;
  std::string certificate_;
  std::string key_;
  std::vector<Part> parts_;
  Yaml tls_ = Yaml::Map();
  bool has_data_ = false;
  bool data_in_query_ = false;
  bool head_ = false;
  bool upload_ = false;
  bool digest_ = false;
};

/// Variables of the shell become variables of the scenario, or credentials by their names.
void DeclareVariables(const std::set<std::string>& variables, Outline& outline, Draft& draft) {
  for (const std::string& name : variables) {
    if (IsSensitiveName(name)) {
      draft.credentials.push_back({ToIdentifier(name), name});
    } else {
      outline.vars.emplace_back(ToIdentifier(name), Yaml::Text(""));
      draft.notes.push_back(
          {fmt::format("${}", name),
           fmt::format("its value is not known: write it under `vars`, or run with --var {}=VALUE",
                       ToIdentifier(name))});
    }
  }
}

bool IsCurl(const ShellCommand& command) {
  const std::string& program = command.words.front().text;
  return program == "curl" || program.ends_with("/curl") || program == "curl.exe";
}

}  // namespace

base::Result<Draft> ImportCurl(const std::shared_ptr<const base::SourceText>& source,
                               const ImportOptions& options) {
  TRY(const std::vector<ShellCommand> commands, SplitCommands(source));
  Draft draft;
  draft.name = options.name;
  Outline outline;
  std::set<std::string> variables;
  for (const ShellCommand& command : commands) {
    const base::SourceSpan& span = command.words.front().span;
    const std::string place = fmt::format("line {}", span.line);
    if (!IsCurl(command)) {
      draft.notes.push_back({place, fmt::format("\"{}\" is no curl command and is left out",
                                                command.words.front().text)});
      continue;
    }
    TRY(const std::vector<Exchange> read, CommandReader(draft, place).Read(command));
    outline.exchanges.insert(outline.exchanges.end(), read.begin(), read.end());
    variables.insert(command.variables.begin(), command.variables.end());
  }
  if (outline.exchanges.empty()) {
    return base::Fail(base::Error{ErrorCode::kInvalid,
                                  "there is no curl command",
                                  {source, 1, 1, 1},
                                  "expected lines such as `curl http://localhost:8080/health`"});
  }
  DeclareVariables(variables, outline, draft);
  ScenarioWriter writer(draft);
  outline.file = ToSlug(options.name);
  outline.id = ScenarioId(options.name, "calls");
  outline.title = "Calls of curl";
  writer.Write(std::move(outline));
  if (!options.url.empty()) {
    if (draft.endpoints.empty()) draft.endpoints.push_back({"api", {}});
    draft.endpoints.front().url = options.url;
  }
  if (draft.endpoints.empty()) draft.endpoints.push_back({"api", "http://localhost:8080"});
  return draft;
}

}  // namespace assay::importing
