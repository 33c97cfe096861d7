#include <functional>

#include <gmock/gmock.h>

#include "montage/api/api_fixture.h"

namespace montage::api {
namespace {

using identity::Role;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kRecord =
    R"({"patient_id":"12345","diagnosis":"epilepsy","medications":["levetiracetam","lamotrigine"]})";
constexpr const char* kOther = R"({"patient_id":"12345","diagnosis":"migraine","medications":[]})";

class ClinicalRoutesTest : public ApiTest {
 protected:
  static std::string PathOf(const std::string& key = "patient:12345:medical") {
    return "/api/v1/clinical/records/" + key;
  }
  Answer Put(const std::string& body, http::Headers headers = {},
             const std::string& path = PathOf()) {
    headers.Set("Content-Type", "application/json");
    return Send(http::Method::kPut, path, clinician_, body, std::move(headers));
  }
  Answer Read(const std::string& query = "") { return Get(PathOf() + query, clinician_); }
  /// Changes the newest envelope behind the back of the service.
  void Alter(const std::function<std::string(std::string)>& change) {
    const auto rows = sql::Query(
        *database_, "SELECT version, sealed FROM clinical_records ORDER BY version DESC LIMIT 1",
        {}, never_);
    sql::RowReader reader(rows->rows.at(0));
    const int64_t version = reader.Int();
    ASSERT_TRUE(sql::Change(*database_,
                            "UPDATE clinical_records SET sealed = $1 WHERE version = $2",
                            {sql::Blob{change(reader.Bytes().bytes)}, version}, never_));
  }

  const std::string clinician_ = Token("clara", Role::kClinician);
};

TEST_F(ClinicalRoutesTest, ARecordIsStoredAndReadAsTheSameObject) {
  const Answer stored = Put(kRecord);
  ASSERT_EQ(stored.status, 201) << stored.text;
  EXPECT_EQ(stored.Text("key"), "patient:12345:medical");
  EXPECT_EQ(stored.json().at("version").as_int64(), 1);
  EXPECT_EQ(stored.headers.Get("ETag"), "\"1\"");
  EXPECT_THAT(LastAudit(), HasSubstr(" clinical.write patient:12345:medical version 1 allowed"));
  const Answer read = Read();
  ASSERT_EQ(read.status, 200) << read.text;
  EXPECT_EQ(read.json(), boost::json::parse(kRecord));
  EXPECT_EQ(read.headers.Get("ETag"), "\"1\"");
  EXPECT_EQ(read.headers.Get("Cache-Control"), "no-store");
  EXPECT_THAT(LastAudit(), HasSubstr(" clinical.read patient:12345:medical version 1 allowed"));
}

TEST_F(ClinicalRoutesTest, StoringTheSameAgainChangesNothingAndAnotherOneIsTheNextVersion) {
  Put(kRecord);
  const Answer again = Put(kRecord);
  EXPECT_EQ(again.status, 200);
  EXPECT_FALSE(again.json().at("changed").as_bool());
  EXPECT_EQ(Rows("clinical_records"), 1);
  EXPECT_EQ(Put(kOther).headers.Get("ETag"), "\"2\"");
  EXPECT_EQ(Read().json(), boost::json::parse(kOther));
  EXPECT_EQ(Read("?version=1").json(), boost::json::parse(kRecord));
  EXPECT_EQ(Read("?version=3").status, 404);
  for (const char* wrong : {"0", "-1", "1x", "", "99999999999999999999"})
    EXPECT_EQ(Read(std::string("?version=") + wrong).status, 422) << wrong;
}

TEST_F(ClinicalRoutesTest, APreconditionIsHeld) {
  EXPECT_EQ(Put(kRecord, {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(Put(kRecord, {{"If-None-Match", "*"}}).status, 201);
  EXPECT_EQ(Put(kOther, {{"If-None-Match", "*"}}).Text("error"), "precondition_failed");
  EXPECT_EQ(Put(kOther, {{"If-Match", "\"1\""}}).status, 200);
  EXPECT_EQ(Put(kRecord, {{"If-Match", "\"1\""}}).status, 412);
  EXPECT_EQ(Read().json(), boost::json::parse(kOther));
  for (const char* wrong : {"1", "\"x\"", "\"\"", "*", "\"0\""})
    EXPECT_EQ(Put(kRecord, {{"If-Match", wrong}}).status, 422) << wrong;
  EXPECT_EQ(Put(kRecord, {{"If-None-Match", "\"1\""}}).status, 422);
  EXPECT_EQ(Put(kRecord, {{"If-None-Match", "*"}, {"If-Match", "\"2\""}}).status, 422);
}

TEST_F(ClinicalRoutesTest, CliniciansOnlyAndOfTheSiteOnly) {
  Put(kRecord);
  for (const Role role : identity::AllRoles()) {
    if (role == Role::kClinician) continue;
    const std::string token = Token("role_" + std::string(identity::ToString(role)), role);
    EXPECT_EQ(Get(PathOf(), token).status, 403) << identity::ToString(role);
    EXPECT_THAT(LastAudit(), HasSubstr("clinical.read  denied"));
    EXPECT_EQ(
        Send(http::Method::kPut, PathOf(), token, kRecord, {{"Content-Type", "application/json"}})
            .status,
        403)
        << identity::ToString(role);
    EXPECT_THAT(LastAudit(), HasSubstr("clinical.write  denied"));
  }
  EXPECT_EQ(Get(PathOf(), Token("far_away", Role::kClinician, "b")).status, 404);
  EXPECT_EQ(Get(PathOf()).status, 401);
}

TEST_F(ClinicalRoutesTest, WhatIsNoRecordIsRefusedByFieldAndNotQuoted) {
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {R"({"diagnosis":"epilepsy","medications":[]})", "patient_id"},
      {R"({"patient_id":"","diagnosis":"epilepsy","medications":[]})", "patient_id"},
      {R"({"patient_id":12345,"diagnosis":"epilepsy","medications":[]})", "patient_id"},
      {R"({"patient_id":"1","diagnosis":["epilepsy"],"medications":[]})", "diagnosis"},
      {R"({"patient_id":"1","diagnosis":"epilepsy"})", "medications"},
      {R"({"patient_id":"1","diagnosis":"epilepsy","medications":"epilepsy"})", "medications"},
      {R"({"patient_id":"1","diagnosis":"epilepsy","medications":["x",7]})", "medications"},
      {R"({"patient_id":"1","diagnosis":"epilepsy","medications":[""]})", "medications"},
      {R"({"patient_id":"1","diagnosis":"epilepsy","medications":[],"note":"epilepsy"})", "note"},
      {R"({"patient_id":"1","diagnosis":")" + std::string(clinical::kMaxDiagnosisBytes + 1, 'e') +
           R"(","medications":[]})",
       "diagnosis"},
      {R"({"patient_id":"1","diagnosis":"epilepsy","medications":[")" +
           std::string(clinical::kMaxMedicationBytes + 1, 'e') + R"("]})",
       "medications"}};
  for (const auto& [body, field] : wrong) {
    const Answer answer = Put(body);
    EXPECT_EQ(answer.status, 422) << body;
    EXPECT_TRUE(answer.json().at("details").at("fields").as_object().contains(field))
        << answer.text;
    EXPECT_THAT(answer.text, Not(HasSubstr("epilepsy")));
    EXPECT_THAT(answer.text, Not(HasSubstr("eeee")));
  }
  EXPECT_EQ(Put("[]").status, 400);
  EXPECT_EQ(Put("{").status, 400);
  EXPECT_EQ(Send(http::Method::kPut, PathOf(), clinician_, kRecord).status, 415);
  EXPECT_EQ(Put(kRecord, {}, PathOf("a%2Fb")).status, 422);
  EXPECT_EQ(Put(kRecord, {}, PathOf("a%20b")).status, 422);
  EXPECT_EQ(Rows("clinical_records"), 0);
}

TEST_F(ClinicalRoutesTest, WhatDoesNotOpenIsAnErrorWithoutAByteOfIt) {
  Put(kRecord);
  const std::vector<std::function<std::string(std::string)>> changes = {
      [](const std::string& sealed) { return sealed.substr(0, sealed.size() - 1); },
      [](const std::string& sealed) { return sealed.substr(0, 40); },
      [](const std::string&) { return std::string(); },
      [](std::string sealed) {  // a master key that does not exist
        sealed[5] = static_cast<char>(sealed[5] ^ 1);
        return sealed;
      },
      [](std::string sealed) {  // one bit of the text
        sealed[100] = static_cast<char>(sealed[100] ^ 1);
        return sealed;
      }};
  for (size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    Put(kOther);
    Put(kRecord);
    ASSERT_EQ(Read().status, 200);
    Alter(changes[i]);
    errors_.clear();
    const Answer answer = Read();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.Text("error"), "internal");
    EXPECT_EQ(answer.json().as_object().size(), 3U) << answer.text;
    ASSERT_EQ(errors_.size(), 1U);
    for (const char* word :
         {"patient_id", "diagnosis", "medications", "epilepsy", "levetiracetam", "lamotrigine"}) {
      EXPECT_THAT(answer.text, Not(HasSubstr(word)));
      EXPECT_THAT(errors_[0].ToString(), Not(HasSubstr(word)));
    }
    EXPECT_THAT(LastAudit(), HasSubstr("clinical.read  failed"));
  }
}

}  // namespace
}  // namespace montage::api
