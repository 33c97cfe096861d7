#include "assay/action/file_action.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/testing_context.h"

namespace assay::action {
namespace {

using cel::Value;
using history::Disposition;
using history::Outcome;

Value Text(std::string_view text) { return Value::String(text); }

Outcome RunFile(TestContext& context,
                std::initializer_list<std::pair<std::string_view, Value>> params) {
  return context.Run(FileAction(), Value::Object(params));
}

const Value& Get(const Outcome& outcome, std::string_view name) {
  static const Value kMissing = Text("<missing>");
  const Value* value = outcome.value.Find(name);
  return value == nullptr ? kMissing : *value;
}

TEST(File, ReadsTextBytesAndJson) {
  TestContext context;
  context.dir().Write("a.json", R"({"n": [1, 2.5]})");
  const Outcome text = RunFile(context, {{"read", Text("a.json")}});
  EXPECT_EQ(text.disposition, Disposition::kAnswered);
  EXPECT_EQ(Get(text, "text"), Text(R"({"n": [1, 2.5]})"));
  EXPECT_EQ(Get(text, "size"), Value::Int(15));
  const Outcome bytes = RunFile(context, {{"read", Text("a.json")}, {"as", Text("bytes")}});
  EXPECT_TRUE(Get(bytes, "bytes").is_bytes());
  const Outcome json = RunFile(context, {{"read", Text("a.json")}, {"as", Text("json")}});
  EXPECT_EQ(Get(json, "json").Find("n")->list()[1], Value::Double(2.5));
}

TEST(File, ReadsCsvWithTypedColumns) {
  TestContext context;
  context.dir().Write(
      "rows.csv", "id,code,score,ok,note\r\n1,007,1.5,true,\"a, \"\"b\"\"\"\r\n-2,12,,false,\r\n");
  const Outcome outcome = RunFile(context, {{"read", Text("rows.csv")}, {"as", Text("csv")}});
  const auto rows = Get(outcome, "rows").list();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(cel::Identical(*rows[1].Find("id"), Value::Int(-2)));
  EXPECT_TRUE(cel::Identical(*rows[0].Find("code"), Text("007"))) << "not a number";
  EXPECT_TRUE(cel::Identical(*rows[0].Find("score"), Value::Double(1.5)));
  EXPECT_TRUE(rows[1].Find("score")->is_null());
  EXPECT_TRUE(cel::Identical(*rows[1].Find("ok"), Value::Bool(false)));
  EXPECT_EQ(*rows[0].Find("note"), Text("a, \"b\""));
  EXPECT_EQ(*rows[1].Find("note"), Text(""));
}

TEST(File, NamesWhatIsWrongWithTheContent) {
  TestContext context;
  context.dir().Write("bad.json", "{");
  context.dir().Write("bad.csv", "a,b\n1\n");
  context.dir().Write("latin1.txt", "\xE9");
  for (const auto& [name, as] : {std::pair{"bad.json", "json"},
                                 {"bad.csv", "csv"},
                                 {"latin1.txt", "text"},
                                 {"bad.json", "edf"},
                                 {"bad.json", "xml"},
                                 {"missing.txt", "text"}}) {
    const Outcome outcome = RunFile(context, {{"read", Text(name)}, {"as", Text(as)}});
    EXPECT_EQ(outcome.disposition, Disposition::kError) << name << " as " << as;
  }
  const Outcome missing = RunFile(context, {{"read", Text("missing.txt")}});
  EXPECT_EQ(missing.error->code, base::ErrorCode::kNotFound);
  EXPECT_FALSE(missing.error->hint.empty());
  EXPECT_EQ(RunFile(context, {}).error->code, base::ErrorCode::kInvalid);
}

TEST(File, ReadsXmlAsATree) {
  TestContext context;
  context.dir().Write("a.xml", "<order id=\"7\"><item>one</item></order>");
  const Outcome read = RunFile(context, {{"read", Text("a.xml")}, {"as", Text("xml")}});
  ASSERT_EQ(read.disposition, Disposition::kAnswered) << read.error->ToString();
  const Value root = Get(read, "xml");
  EXPECT_EQ(*root.Find("name"), Text("order"));
  EXPECT_EQ(*root.Find("attributes")->Find("id"), Text("7"));
  EXPECT_EQ(*root.Find("children")->list()[0].Find("text"), Text("one"));
  context.dir().Write("bad.xml", "<a>\n<b>");
  const Outcome bad = RunFile(context, {{"read", Text("bad.xml")}, {"as", Text("xml")}});
  ASSERT_TRUE(bad.error.has_value());
  EXPECT_THAT(bad.error->ToString(), testing::HasSubstr("line 2"));
  EXPECT_THAT(bad.error->ToString(), testing::HasSubstr("bad.xml"));
}

TEST(File, ReadsAvroRecords) {
  // A container with the schema "long" and the values 1 and -1.
  const std::string marker(16, 'm');
  const std::string file = std::string(
                               "Obj\x01\x02\x16"
                               "avro.schema\x0C\"long\"") +
                           std::string(1, '\0') + marker + "\x04\x04\x02\x01" + marker;
  TestContext context;
  context.dir().Write("a.avro", file);
  const Outcome read = RunFile(context, {{"read", Text("a.avro")}, {"as", Text("avro")}});
  ASSERT_EQ(read.disposition, Disposition::kAnswered) << read.error->ToString();
  const Value avro = Get(read, "avro");
  EXPECT_EQ(*avro.Find("schema"), Text("long"));
  EXPECT_EQ(*avro.Find("records"), Value::List({Value::Int(1), Value::Int(-1)}));
  context.dir().Write("bad.avro", file.substr(0, file.size() - 1));
  const Outcome bad = RunFile(context, {{"read", Text("bad.avro")}, {"as", Text("avro")}});
  ASSERT_TRUE(bad.error.has_value());
  EXPECT_THAT(bad.error->ToString(), testing::HasSubstr("byte "));
}

/// One page with one line of text (ISO 32000-1, 7.5); readers rebuild the missing table of offsets.
constexpr std::string_view kPdf =
    "%PDF-1.4\n"
    "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    "2 0 obj\n<< /Type /Pages /Kids [4 0 R] /Count 1 >>\nendobj\n"
    "3 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\n"
    "4 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R\n"
    "/Resources << /Font << /F1 3 0 R >> >> >>\nendobj\n"
    "5 0 obj\n<< /Length 51 >>\nstream\nBT /F1 12 Tf 72 720 Td (Report of MRN 4711) Tj ET    "
    "\nendstream\nendobj\n"
    "6 0 obj\n<< /Title (Report 7) /Author (Ada) >>\nendobj\n"
    "trailer\n<< /Size 7 /Root 1 0 R /Info 6 0 R >>\n%%EOF\n";

TEST(File, ReadsTheTextOfPdfPages) {
  TestContext context;
  context.dir().Write("a.pdf", kPdf);
  const Outcome read = RunFile(context, {{"read", Text("a.pdf")}, {"as", Text("pdf")}});
  if (read.error && read.error->code == base::ErrorCode::kUnsupported) {
    GTEST_SKIP() << read.error->message;
  }
  ASSERT_EQ(read.disposition, Disposition::kAnswered) << read.error->ToString();
  const Value pdf = Get(read, "pdf");
  EXPECT_EQ(*pdf.Find("page_count"), Value::Int(1));
  EXPECT_THAT(std::string(pdf.Find("pages")->list()[0].string()),
              testing::HasSubstr("Report of MRN 4711"));
  EXPECT_EQ(*pdf.Find("title"), Text("Report 7"));
  EXPECT_EQ(*pdf.Find("author"), Text("Ada"));
  EXPECT_EQ(*pdf.Find("version"), Text("1.4"));
  EXPECT_EQ(Get(RunFile(context, {{"glob", Text(".pdf-*")}}), "count"), Value::Int(0));
  context.dir().Write("bad.pdf", "plain text");
  const Outcome bad = RunFile(context, {{"read", Text("bad.pdf")}, {"as", Text("pdf")}});
  ASSERT_TRUE(bad.error.has_value());
  EXPECT_EQ(bad.error->code, base::ErrorCode::kInvalid);
  EXPECT_THAT(bad.error->message, testing::HasSubstr("bad.pdf is no PDF document"));
  const Outcome missing = RunFile(context, {{"read", Text("no.pdf")}, {"as", Text("pdf")}});
  EXPECT_EQ(missing.error->code, base::ErrorCode::kNotFound);
}

TEST(File, SaysWhatIsThere) {
  TestContext context;
  context.dir().Write("sub/b.txt", "12345");
  context.dir().Write("sub/a.txt", "");
  EXPECT_EQ(Get(RunFile(context, {{"exists", Text("sub")}}), "directory"), Value::Bool(true));
  EXPECT_EQ(Get(RunFile(context, {{"exists", Text("sub/b.txt")}}), "size"), Value::Int(5));
  EXPECT_EQ(Get(RunFile(context, {{"exists", Text("no")}}), "exists"), Value::Bool(false));
  const Outcome found = RunFile(context, {{"glob", Text("sub/*.txt")}});
  EXPECT_EQ(Get(found, "count"), Value::Int(2));
  EXPECT_TRUE(Get(found, "paths").list()[0].string().ends_with("sub/a.txt"));
  EXPECT_EQ(Get(RunFile(context, {{"glob", Text("*.none")}}), "count"), Value::Int(0));
}

TEST(File, ComputesTheChecksum) {
  TestContext context;
  context.dir().Write("abc", "abc");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(Get(RunFile(context, {{"checksum", Text("abc")}}), "sha256"),
            Text("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  EXPECT_EQ(RunFile(context, {{"checksum", Text("no")}}).error->code, base::ErrorCode::kNotFound);
}

TEST(File, WritesCopiesAndRemovesInTheWorkingDirectory) {
  TestContext context;
  RunFile(context, {{"write", Text("out/a.txt")}, {"content", Text("one\n")}});
  RunFile(
      context,
      {{"write", Text("out/a.txt")}, {"content", Text("two\n")}, {"append", Value::Bool(true)}});
  EXPECT_EQ(testing_support::ReadFile(context.dir() / "out/a.txt"), "one\ntwo\n");
  RunFile(context, {{"write", Text("b.json")}, {"content", Value::Object({{"a", Value::Int(1)}})}});
  EXPECT_EQ(testing_support::ReadFile(context.dir() / "b.json"), "{\"a\":1}\n");
  RunFile(context, {{"copy", Text("out")}, {"to", Text("copy")}});
  EXPECT_EQ(testing_support::ReadFile(context.dir() / "copy/a.txt"), "one\ntwo\n");
  EXPECT_EQ(Get(RunFile(context, {{"remove", Text("copy")}}), "removed"), Value::Int(2));
  EXPECT_EQ(Get(RunFile(context, {{"remove", Text("copy")}}), "removed"), Value::Int(0));
}

TEST(File, RefusesToChangeAnythingElse) {
  TestContext context;
  const testing_support::TempDir outside;
  const auto precious = outside.Write("precious", "x");
  std::filesystem::create_directory_symlink(outside.path(), context.dir() / "link");
  for (const std::string& path :
       {precious.string(), std::string("../x"), std::string("link/precious"), std::string("."),
        std::string(""), std::string("a/../../b")}) {
    const Outcome removed = RunFile(context, {{"remove", Text(path)}});
    ASSERT_EQ(removed.disposition, Disposition::kError) << path;
    EXPECT_EQ(removed.error->code, base::ErrorCode::kForbidden) << path;
    const Outcome written = RunFile(context, {{"write", Text(path)}, {"content", Text("y")}});
    EXPECT_EQ(written.disposition, Disposition::kError) << path;
  }
  EXPECT_EQ(testing_support::ReadFile(precious), "x");
  EXPECT_TRUE(std::filesystem::exists(context.dir().path()));
}

TEST(File, DescribesARecording) {
  const std::filesystem::path path = ASSAY_SOURCE_DIR "/../shared/data/edf/short_psg.edf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "the public recordings are not here";
  TestContext context;
  const Outcome outcome = RunFile(context, {{"read", Text(path.string())}, {"as", Text("edf")}});
  ASSERT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  const Value& edf = Get(outcome, "edf");
  ASSERT_FALSE(edf.Find("signals")->list().empty());
  for (const Value& signal : edf.Find("signals")->list()) {
    const double least = signal.Find("min")->double_value();
    const double most = signal.Find("max")->double_value();
    const double mean = signal.Find("mean")->double_value();
    EXPECT_LE(least, mean);
    EXPECT_LE(mean, most);
    EXPECT_GE(least, std::min(signal.Find("physical_min")->double_value(),
                              signal.Find("physical_max")->double_value()) -
                         1e-6);
    EXPECT_EQ(signal.Find("samples")->int_value(),
              std::llround(signal.Find("rate_hz")->double_value() *
                           edf.Find("duration_s")->double_value()));
  }
}

TEST(File, HasAHeadThatNamesTheOperation) {
  const FileAction file;
  EXPECT_EQ(file.Head(Value::Object({{"checksum", Text("a.edf")}})), "checksum a.edf");
}

}  // namespace
}  // namespace assay::action
