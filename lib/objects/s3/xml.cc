#include "lib/objects/s3/xml.h"

#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "lib/http/uri.h"

namespace objects::s3 {
namespace {

using base::ErrorCode;

/// A key may be a blank.
constexpr unsigned kParsing = pugi::parse_default | pugi::parse_ws_pcdata_single;

constexpr const char* kNamespace = "http://s3.amazonaws.com/doc/2006-03-01/";

/// The document, when its root has the name.
base::Result<pugi::xml_node> Load(pugi::xml_document& document, std::string_view xml,
                                  std::string_view root) {
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size(), kParsing);
  if (!parsed) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the server's answer is no XML: {} at byte {}, expected {}",
                                  parsed.description(), parsed.offset, root));
  }
  const pugi::xml_node node = document.document_element();
  if (node.name() != root) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("the server answered with the document {}, expected {}", node.name(), root));
  }
  return node;
}

std::string Unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

/// Texts of one listing; keys are percent-encoded when it says so, since XML 1.0 cannot hold all
/// of them.
class KeyReader {
 public:
  explicit KeyReader(const pugi::xml_node& root)
      : encoded_(std::string_view(root.child_value("EncodingType")) == "url") {}

  base::Result<std::string> Read(const char* text) const {
    if (!encoded_) return std::string(text);
    // Some servers write a space as `+`, and a plus sign always as %2B.
    std::string plain(text);
    for (char& c : plain) {
      if (c == '+') c = ' ';
    }
    return http::PercentDecode(plain);
  }
  base::Result<std::vector<std::string>> Prefixes(const pugi::xml_node& root) const {
    std::vector<std::string> prefixes;
    for (const pugi::xml_node& common : root.children("CommonPrefixes")) {
      TRY(std::string prefix, Read(common.child_value("Prefix")));
      prefixes.push_back(std::move(prefix));
    }
    return prefixes;
  }

 private:
  bool encoded_;
};

base::WallTime TimeOf(const pugi::xml_node& node) {
  return ParseIsoTime(node.child_value("LastModified")).value_or(base::WallTime{});
}

std::string Write(const pugi::xml_document& document) {
  std::ostringstream text;
  document.save(text, "", pugi::format_raw | pugi::format_no_declaration);
  return text.str();
}

pugi::xml_node Begin(pugi::xml_document& document, const char* root) {
  pugi::xml_node node = document.append_child(root);
  node.append_attribute("xmlns").set_value(kNamespace);
  return node;
}

void AddText(pugi::xml_node parent, const char* name, const std::string& text) {
  parent.append_child(name).text().set(text.c_str());
}

}  // namespace

std::optional<ErrorBody> ParseErrorBody(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), kParsing)) return std::nullopt;
  const pugi::xml_node error = document.document_element();
  if (std::string_view(error.name()) != "Error") return std::nullopt;
  return ErrorBody{.refusal = {error.child_value("Code"), error.child_value("Message")},
                   .request_id = error.child_value("RequestId")};
}

base::Result<Listing> ParseListing(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "ListBucketResult"));
  const KeyReader keys(root);
  Listing listing;
  for (const pugi::xml_node& entry : root.children("Contents")) {
    ListedObject object{.size = entry.child("Size").text().as_ullong(),
                        .etag = Unquoted(entry.child_value("ETag")),
                        .modified = TimeOf(entry)};
    TRY(object.key, keys.Read(entry.child_value("Key")));
    listing.objects.push_back(std::move(object));
  }
  TRY(listing.prefixes, keys.Prefixes(root));
  listing.more = root.child("IsTruncated").text().as_bool();
  listing.next = root.child_value("NextContinuationToken");
  return listing;
}

base::Result<VersionListing> ParseVersions(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "ListVersionsResult"));
  const KeyReader keys(root);
  VersionListing listing;
  for (const pugi::xml_node& entry : root.children()) {
    const std::string_view kind = entry.name();
    if (kind != "Version" && kind != "DeleteMarker") continue;
    ListedVersion version{.version = entry.child_value("VersionId"),
                          .latest = entry.child("IsLatest").text().as_bool(),
                          .delete_marker = kind == "DeleteMarker",
                          .size = entry.child("Size").text().as_ullong(),
                          .etag = Unquoted(entry.child_value("ETag")),
                          .modified = TimeOf(entry)};
    TRY(version.key, keys.Read(entry.child_value("Key")));
    listing.versions.push_back(std::move(version));
  }
  TRY(listing.prefixes, keys.Prefixes(root));
  listing.more = root.child("IsTruncated").text().as_bool();
  TRY(listing.next_key, keys.Read(root.child_value("NextKeyMarker")));
  listing.next_version = root.child_value("NextVersionIdMarker");
  return listing;
}

base::Result<BatchDeletion> ParseBatchDeletion(std::string_view xml, std::string_view bucket) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "DeleteResult"));
  BatchDeletion deletion;
  const auto name = [&](const pugi::xml_node& entry) {
    return ObjectName{std::string(bucket), entry.child_value("Key"),
                      entry.child_value("VersionId")};
  };
  for (const pugi::xml_node& entry : root.children("Deleted")) {
    deletion.deleted.push_back(name(entry));
  }
  for (const pugi::xml_node& entry : root.children("Error")) {
    deletion.failed.push_back(
        {name(entry), {entry.child_value("Code"), entry.child_value("Message")}});
  }
  return deletion;
}

base::Result<std::string> ParseUploadId(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "InitiateMultipartUploadResult"));
  std::string id = root.child_value("UploadId");
  if (id.empty()) return base::Fail(ErrorCode::kCorrupt, "the server began an upload without id");
  return id;
}

base::Result<std::vector<Part>> ParseParts(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "ListPartsResult"));
  std::vector<Part> parts;
  for (const pugi::xml_node& entry : root.children("Part")) {
    parts.push_back({.number = entry.child("PartNumber").text().as_int(),
                     .etag = Unquoted(entry.child_value("ETag")),
                     .size = entry.child("Size").text().as_ullong()});
  }
  return parts;
}

base::Result<std::string> ParseStoredEtag(std::string_view xml) {
  pugi::xml_document document;
  const pugi::xml_parse_result parsed = document.load_buffer(xml.data(), xml.size(), kParsing);
  const pugi::xml_node etag = document.document_element().child("ETag");
  if (!parsed || !etag) {
    return base::Fail(ErrorCode::kCorrupt, "the server's answer has no ETag of what it stored");
  }
  return Unquoted(etag.child_value());
}

base::Result<std::string> ParseVersioning(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "VersioningConfiguration"));
  return std::string(root.child_value("Status"));
}

base::Result<std::vector<std::string>> ParseBuckets(std::string_view xml) {
  pugi::xml_document document;
  TRY(const pugi::xml_node root, Load(document, xml, "ListAllMyBucketsResult"));
  std::vector<std::string> names;
  for (const pugi::xml_node& bucket : root.child("Buckets").children("Bucket")) {
    names.emplace_back(bucket.child_value("Name"));
  }
  return names;
}

std::string FormatBatchDeletion(const std::vector<ObjectName>& names) {
  pugi::xml_document document;
  pugi::xml_node root = Begin(document, "Delete");
  for (const ObjectName& name : names) {
    pugi::xml_node object = root.append_child("Object");
    AddText(object, "Key", name.key);
    if (!name.version.empty()) AddText(object, "VersionId", name.version);
  }
  return Write(document);
}

std::string FormatParts(const std::vector<Part>& parts) {
  pugi::xml_document document;
  pugi::xml_node root = Begin(document, "CompleteMultipartUpload");
  for (const Part& part : parts) {
    pugi::xml_node node = root.append_child("Part");
    AddText(node, "PartNumber", std::to_string(part.number));
    AddText(node, "ETag", "\"" + part.etag + "\"");
  }
  return Write(document);
}

std::string FormatVersioning(bool enabled) {
  pugi::xml_document document;
  AddText(Begin(document, "VersioningConfiguration"), "Status", enabled ? "Enabled" : "Suspended");
  return Write(document);
}

std::string FormatLocation(std::string_view region) {
  pugi::xml_document document;
  AddText(Begin(document, "CreateBucketConfiguration"), "LocationConstraint", std::string(region));
  return Write(document);
}

}  // namespace objects::s3
