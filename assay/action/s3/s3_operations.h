#pragma once
// What an `s3` step can do: one operation each, chosen by the parameter of its name.

#include <span>
#include <string_view>

#include "assay/action/action.h"
#include "lib/net/offload.h"
#include "lib/objects/s3/client.h"

namespace assay::action {

/// What an operation works with; everything outlives it.
struct S3Session {
  const cel::Value& params;
  const ActionContext& context;
  net::ThreadPool& pool;
  objects::s3::Client& client;

  /// The value of the parameter that chose the operation.
  const cel::Value& subject;
};

using S3Run = net::Task<base::Result<cel::Value>> (*)(const S3Session& session);

struct S3Operation {
  std::string_view name;
  std::string_view doc;
  S3Run run;
};

std::span<const S3Operation> S3Operations();
/// Null when the parameters name none.
const S3Operation* FindS3Operation(const cel::Value& params);

// Reading and writing of objects; s3_objects.cc.
net::Task<base::Result<cel::Value>> S3Put(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Get(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Head(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Copy(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Multipart(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Presign(const S3Session& session);

// Buckets and what is in them; s3_buckets.cc.
net::Task<base::Result<cel::Value>> S3List(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Versions(const S3Session& session);
net::Task<base::Result<cel::Value>> S3Delete(const S3Session& session);
net::Task<base::Result<cel::Value>> S3CreateBucket(const S3Session& session);
net::Task<base::Result<cel::Value>> S3DeleteBucket(const S3Session& session);

}  // namespace assay::action
