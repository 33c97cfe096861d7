#pragma once
// What a file holds, as values for expressions.

#include <filesystem>
#include <string_view>

#include "assay/cel/value.h"
#include "lib/base/deadline.h"
#include "lib/base/result.h"

namespace assay::action {

/// A recording: header, the signals with statistics over all their samples, annotations, gaps.
/// Reads in bounded memory.
base::Result<cel::Value> DescribeEdf(const std::filesystem::path& path, base::Deadline deadline);

/// An XML document as {name, attributes, text, children}, see formats::xml::Parse.
base::Result<cel::Value> DescribeXml(std::string_view text, std::string_view name);

/// An Avro container file as {schema (the value of its JSON), codec, records}, see
/// formats::avro::Read.
base::Result<cel::Value> DescribeAvro(std::string_view bytes, std::string_view name,
                                      base::Deadline deadline);

/// The rows of a CSV text (RFC 4180 with a header line) as maps. A column of which every filled
/// cell is an integer, a number, or true/false has values of that type; an empty cell is then null.
base::Result<cel::Value> DescribeCsv(std::string_view text, std::string_view name);

}  // namespace assay::action
