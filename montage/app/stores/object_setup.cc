#include "montage/app/stores/object_setup.h"

#include <utility>

#include <fmt/format.h>

#include "lib/http/uri.h"
#include "lib/objects/fs_object_store.h"
#include "lib/objects/s3_object_store.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::string_view kScheme = "s3://";

base::Error Wrong(std::string what) {
  return base::Error{ErrorCode::kInvalid, "configuration objects " + std::move(what)}.Hint(
      "write it as s3://KEY:SECRET@host:port?region=NAME&prefix=TEXT; a `/` in the secret is %2F");
}

/// Takes the options that are ours out of the query; the others stay for the S3 client.
Result<std::string> TakeOwnOptions(std::string_view query, bool may_choose_tls, bool& tls,
                                   std::string& prefix) {
  std::string rest;
  while (!query.empty()) {
    const std::string_view option = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), option.size() + 1));
    if (option.starts_with("prefix=")) {
      TRY(prefix, http::PercentDecode(option.substr(7)));
      // The longest of our buckets' names, so that all of them are good.
      TRY(objects::CheckBucket(prefix + "recordings"));
    } else if (option == "tls=no" && may_choose_tls) {
      tls = false;
    } else if (!option.empty()) {
      rest += fmt::format("{}{}", rest.empty() ? '?' : '&', option);
    }
  }
  return rest;
}

}  // namespace

Result<S3Location> ParseObjectsUrl(std::string_view url) {
  const bool is_s3 = url.starts_with(kScheme);
  if (!is_s3 && !url.starts_with("http://") && !url.starts_with("https://"))
    return base::Fail(Wrong("does not begin with s3://, http:// or https://"));
  S3Location location;
  bool tls = true;
  const size_t question = url.find('?');
  std::string address(url.substr(0, question));
  if (question != std::string_view::npos) {
    const auto rest = TakeOwnOptions(url.substr(question + 1), is_s3, tls, location.bucket_prefix);
    if (!rest) return base::Fail(Wrong("has a wrong option: " + rest.error().message));
    address += *rest;
  }
  if (is_s3) address.replace(0, kScheme.size(), tls ? "https://" : "http://");
  auto server = objects::s3::ParseServer(address);
  if (!server) return base::Fail(std::move(server).error().While("reading configuration objects"));
  location.server = *std::move(server);
  return location;
}

Result<std::unique_ptr<objects::ObjectStore>> OpenObjects(std::string_view url,
                                                          const std::filesystem::path& folder,
                                                          const std::filesystem::path& spool,
                                                          const base::Clock& clock) {
  if (url.empty()) {
    TRY(auto files, objects::FsObjectStore::Open(folder, clock));
    return files;
  }
  TRY(S3Location location, ParseObjectsUrl(url));
  TRY(auto service, objects::S3ObjectStore::Open({.server = std::move(location.server),
                                                  .spool = spool,
                                                  .bucket_prefix = location.bucket_prefix},
                                                 clock));
  return service;
}

}  // namespace montage::app
