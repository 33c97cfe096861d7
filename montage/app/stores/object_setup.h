#pragma once
// Where Montage's objects are, as the configuration says: files in the data directory, or a service
// that speaks S3.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "lib/base/clock.h"
#include "lib/objects/object_store.h"
#include "lib/objects/s3/server.h"

namespace montage::app {

struct S3Location {
  objects::s3::Server server;
  std::string bucket_prefix;  ///< before the names `recordings`, `results` and `cache`
};

/// `s3://KEY:SECRET@host[:port][?option&option...]`, by TLS unless an option says `tls=no`; also
/// http:// and https://. Options: `region=NAME`, `addressing=path` or `virtual-host`, `prefix=TEXT`
/// before the name of each bucket, `tls=no`. kInvalid for all else; errors do not show the secret.
base::Result<S3Location> ParseObjectsUrl(std::string_view url);

/// Files below `folder` when `url` is empty. `spool` is a folder that exists, for large content on
/// its way to a service. Connects when it is first used. The clock outlives the store.
base::Result<std::unique_ptr<objects::ObjectStore>> OpenObjects(std::string_view url,
                                                                const std::filesystem::path& folder,
                                                                const std::filesystem::path& spool,
                                                                const base::Clock& clock);

}  // namespace montage::app
