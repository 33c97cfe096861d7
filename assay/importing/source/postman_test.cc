#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/importing/source/postman_script.h"
#include "assay/importing/test_support.h"

namespace assay::importing {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr std::string_view kShop = R"json({
  "info": {"name": "Shop API", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
  "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
  "variable": [{"key": "baseUrl", "value": "http://localhost:9000"}, {"key": "item", "value": "tea"}, {"key": "apiSecret", "value": "canary-1"}],
  "item": [
    {"name": "Orders", "item": [
      {"name": "create an order",
       "event": [{"listen": "test", "script": {"exec": [
         "const order = pm.response.json();",
         "pm.test(\"created\", function () {",
         "  pm.response.to.have.status(201);",
         "  pm.expect(order.item).to.eql(pm.collectionVariables.get('item'));",
         "});",
         "pm.collectionVariables.set('orderId', order.id);",
         "if (order.x) { postman.setNextRequest('other'); }"]}}],
       "request": {"method": "POST", "header": [{"key": "X-Off", "value": "1", "disabled": true}],
                   "body": {"mode": "raw", "raw": "{\"item\": \"{{item}}\", \"count\": {{count}}, \"ref\": \"{{$guid}}\"}", "options": {"raw": {"language": "json"}}},
                   "url": {"raw": "{{baseUrl}}/orders?full=1", "host": ["{{baseUrl}}"], "path": ["orders"], "query": [{"key": "full", "value": "1"}, {"key": "off", "value": "1", "disabled": true}]}}},
      {"name": "read it",
       "request": {"method": "GET", "url": {"raw": "{{baseUrl}}/orders/:id", "path": ["orders", ":id"], "variable": [{"key": "id", "value": "{{orderId}}"}]}}}
    ]},
    {"name": "health", "request": {"auth": {"type": "noauth"}, "method": "GET", "url": "{{baseUrl}}/health"}}
  ]})json";

TEST(Postman, FoldersBecomeScenarios) {
  const Draft draft = Imported(Format::kPostman, kShop);
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.scenarios, 2U);
  EXPECT_EQ(draft.endpoints.front().url, "http://localhost:9000");
  const std::string text = FileOf(draft, "orders.yaml");
  EXPECT_THAT(text, HasSubstr("id: SHOP-ORDERS"));
  EXPECT_THAT(text, HasSubstr("http: POST /orders"));
  EXPECT_THAT(text, HasSubstr("query: { full: 1 }"));
  EXPECT_THAT(text, HasSubstr("item: ${{ vars.item }}"));
  EXPECT_THAT(text, HasSubstr("count: ${{ parse_json(string(vars.count)) }}"));
  EXPECT_THAT(text, HasSubstr("ref: ${{ fake.uuid() }}"));
  EXPECT_THAT(text, HasSubstr("save: { order_id: body.id }"));
  EXPECT_THAT(text, HasSubstr("http: GET /orders/${{ vars.order_id }}"));
  EXPECT_THAT(text, HasSubstr("body.item == vars.item"));
  EXPECT_THAT(text, HasSubstr("bearer: \"${{ environment.credentials.token }}\""));
  EXPECT_THAT(text, Not(HasSubstr("X-Off")));
  EXPECT_THAT(FileOf(draft, "shop-api.yaml"), Not(HasSubstr("auth:")));
}

TEST(Postman, SecretsOfTheCollectionAreNotWritten) {
  EXPECT_THAT(EverythingOf(Imported(Format::kPostman, kShop)), Not(HasSubstr("canary")));
}

TEST(Postman, WhatHasNoTranslationIsNotedAndStandsBesideItsStep) {
  const Draft draft = Imported(Format::kPostman, kShop);
  EXPECT_THAT(
      NotesOf(draft),
      HasSubstr("Orders / create an order: test script: no translation for `if (order.x)`"));
  EXPECT_THAT(FileOf(draft, "orders.yaml"), HasSubstr("# not translated: if (order.x)"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("{{count}}: the collection gives it no value"));
}

TEST(Postman, FoldersThatNeedEachOtherAreOneScenario) {
  const Draft draft = Imported(Format::kPostman, R"json({"info": {"name": "c"}, "item": [
    {"name": "a", "item": [{"name": "login", "event": [{"listen": "test", "script": {"exec": "pm.environment.set(\"token\", pm.response.json().access_token)"}}],
       "request": {"method": "POST", "url": "http://h/login", "body": {"mode": "urlencoded", "urlencoded": [{"key": "password", "value": "canary-9"}]}}}]},
    {"name": "b", "item": [{"name": "me", "request": {"method": "GET", "url": "http://h/me", "header": [{"key": "Authorization", "value": "Bearer {{token}}"}]}}]}]})json");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.scenarios, 1U);
  EXPECT_THAT(NotesOf(draft), HasSubstr("all requests are in one scenario"));
  EXPECT_THAT(FileOf(draft, "c.yaml"), HasSubstr("bearer: \"${{ vars.token }}\""));
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("canary")));
  EXPECT_THAT(EverythingOf(draft), HasSubstr("redact: { keys: [access_token] }"));
}

TEST(Postman, AllKindsOfAuthenticationAndBodiesLoad) {
  const Draft draft = Imported(Format::kPostman, R"json({"info": {"name": "c"}, "item": [
    {"name": "1", "request": {"method": "POST", "url": "http://h/1", "auth": {"type": "basic", "basic": [{"key": "username", "value": "ada"}, {"key": "password", "value": "canary-1"}]},
      "body": {"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": "a.edf"}, {"key": "t", "value": "x"}]}}},
    {"name": "2", "request": {"method": "POST", "url": "http://h/2", "auth": {"type": "apikey", "apikey": [{"key": "key", "value": "X-Key"}, {"key": "value", "value": "canary-2"}]},
      "body": {"mode": "graphql", "graphql": {"query": "{ me }", "variables": "{\"a\": 1}"}}}},
    {"name": "3", "request": {"method": "GET", "url": "http://h/3", "auth": {"type": "apikey", "apikey": [{"key": "key", "value": "k"}, {"key": "value", "value": "canary-3"}, {"key": "in", "value": "query"}]}}},
    {"name": "4", "request": {"method": "PUT", "url": "http://h/4", "auth": {"type": "awsv4", "awsv4": [{"key": "accessKey", "value": "canary-4"}, {"key": "secretKey", "value": "canary-5"}]},
      "body": {"mode": "file", "file": {"src": "b.bin"}}}},
    {"name": "5", "request": {"method": "GET", "url": "http://h/5", "auth": {"type": "ntlm", "ntlm": []}}},
    {"name": "6", "request": {"method": "GET", "url": "http://h/6", "auth": {"type": "oauth2", "oauth2": []}}},
    {"name": "7", "request": "http://h/7"}]})json");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(EverythingOf(draft), Not(HasSubstr("canary")));
  EXPECT_THAT(NotesOf(draft), HasSubstr("the authentication \"ntlm\" has no translation"));
  EXPECT_EQ(draft.steps, 7U);
}

TEST(Postman, OtherFilesAreRefusedWithTheReason) {
  EXPECT_THAT(Refused(Format::kPostman, "{}").message, HasSubstr("no Postman collection"));
  EXPECT_THAT(Refused(Format::kPostman, R"({"requests": []})").message, HasSubstr("format v1"));
  EXPECT_THAT(Refused(Format::kPostman, R"({"item": []})").message, HasSubstr("no request"));
  EXPECT_THAT(Refused(Format::kPostman, "{").ToString(), HasSubstr("line 1"));
}

ScriptMeaning Read(std::string_view script) {
  return ReadTestScript(script, [](std::string_view name) { return "vars." + std::string(name); });
}

TEST(PostmanScripts, ChecksAreExpectations) {
  EXPECT_THAT(Read("pm.test('x', () => { pm.response.to.have.status(201); });").expect,
              ElementsAre("status == 201"));
  EXPECT_THAT(Read("pm.test(\"x\", function () {\n  pm.expect(pm.response.code).to.be.oneOf([200, "
                   "201]);\n});")
                  .expect,
              ElementsAre("status in [200, 201]"));
  EXPECT_THAT(Read("pm.expect(pm.response.responseTime).to.be.below(200);").expect,
              ElementsAre("duration < duration(\"200ms\")"));
  EXPECT_THAT(Read("pm.response.to.have.header('Content-Type');").expect,
              ElementsAre("\"content-type\" in headers"));
  EXPECT_THAT(
      Read("let d = pm.response.json();\npm.expect(d.items[0].name).to.equal('a \"b\"');").expect,
      ElementsAre(R"(body.items[0].name == "a \"b\"")"));
  EXPECT_THAT(Read("let d = pm.response.json(); let u = d.user; "
                   "pm.expect(u['first-name']).to.be.a('string');")
                  .expect,
              ElementsAre(R"(type(body.user["first-name"]) == string)"));
  EXPECT_THAT(Read("pm.expect(pm.response.json()).to.have.property('id');").expect,
              ElementsAre("\"id\" in body"));
  EXPECT_THAT(Read("pm.expect(pm.response.json().id).to.exist;").expect,
              ElementsAre("has(body.id)"));
  EXPECT_THAT(Read("pm.expect(pm.response.json().list.length).to.be.at.least(1)").expect,
              ElementsAre("size(body.list) >= 1"));
  EXPECT_THAT(Read("pm.expect(pm.response.json().x).to.not.eql(null)").expect,
              ElementsAre("!(body.x == null)"));
  EXPECT_THAT(Read("pm.expect(pm.response.text()).to.include('ok')").expect,
              ElementsAre("text.contains(\"ok\")"));
  EXPECT_THAT(
      Read("tests['s'] = responseCode.code === 200; tests['t'] = responseTime < 500;").expect,
      ElementsAre("status == 200", "duration < duration(\"500ms\")"));
  EXPECT_THAT(Read("var j = JSON.parse(responseBody);\npm\n  .expect(1)").unknown, Not(IsEmpty()));
  EXPECT_THAT(Read("pm.response.to.be.ok; // yes\n/* pm.x */ console.log('a; b');").expect,
              ElementsAre("status == 200"));
}

TEST(PostmanScripts, SavedValuesAreSaved) {
  EXPECT_THAT(Read("pm.environment.set(\"id\", pm.response.json().data[0].id);").save,
              ElementsAre(Pair("id", "body.data[0].id")));
  EXPECT_THAT(Read("postman.setEnvironmentVariable('tag', pm.response.headers.get('ETag'))").save,
              ElementsAre(Pair("tag", "headers.etag")));
}

TEST(PostmanScripts, WhatIsNotUnderstoodIsNamed) {
  EXPECT_THAT(Read("pm.sendRequest('http://x', f);").unknown,
              ElementsAre("pm.sendRequest('http://x', f)"));
  EXPECT_THAT(Read("pm.environment.set('n', Math.random());").unknown,
              ElementsAre("pm.environment.set('n', Math.random())"));
}

}  // namespace
}  // namespace assay::importing
