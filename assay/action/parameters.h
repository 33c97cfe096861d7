#pragma once
// Reading evaluated parameters: what several actions share.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/action/action.h"
#include "assay/cel/value.h"
#include "assay/scenario/schema.h"
#include "lib/base/result.h"

namespace net {
struct TlsClientOptions;
}  // namespace net

namespace assay::action {

/// kInvalid: `parameter "x" is not <expected>`.
std::unexpected<base::Error> Wrong(std::string_view name, std::string_view expected);

/// As text; "" for null and for nothing.
std::string TextOf(const cel::Value* value);
/// Bytes as they are, anything else as text.
std::string BytesOf(const cel::Value& value);
/// A size such as `10MB` or a number of bytes; `otherwise` when there is none.
base::Result<uint64_t> SizeOf(const cel::Value* value, std::string_view parameter,
                              uint64_t otherwise);

/// Relative names start at the folder of the scenario file.
std::string ResolvePath(std::string_view name, const ActionContext& context);
/// kNotFound when it is no regular file.
base::Result<std::string> ExistingFile(const cel::Value& name, std::string_view parameter,
                                       const ActionContext& context);

/// `name:/path`, a path on the default endpoint, or the text itself.
base::Result<std::string> ResolveTarget(std::string_view text, const ActionContext& context);
/// Adds the parameter `query`: a list repeats its name, null leaves it out.
base::Result<std::string> WithQuery(std::string url, const cel::Value* query);
/// Names and values of the parameter `headers`: a list repeats its name, null leaves it out.
base::Result<std::vector<std::pair<std::string, std::string>>> FieldsOf(const cel::Value* headers);

/// How the server's certificate is checked: the parameter `tls` of clients.
scenario::ObjectSchema TlsTable();
/// `{user, password}`.
scenario::ObjectSchema UserAndPasswordTable();
scenario::ObjectSchema ApiKeyTable();
/// A client certificate.
scenario::ObjectSchema MtlsTable();
/// Reads `tls` and, where the action has it, `auth.mtls`.
base::Result<net::TlsClientOptions> TlsOf(const cel::Value& params, const ActionContext& context);

/// A URL without the password in it, for heads and messages.
std::string WithoutPassword(std::string_view url);

}  // namespace assay::action
