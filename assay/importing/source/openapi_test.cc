#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/importing/test_support.h"

namespace assay::importing {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kShop = R"yaml(openapi: 3.0.3
info: { title: Shop, version: "1" }
servers: [{ url: "https://{region}.example.org/v1/", variables: { region: { default: eu } } }]
tags: [{ name: orders, description: What people buy }]
security: [{ key: [] }]
paths:
  /orders:
    get:
      tags: [orders]
      operationId: listOrders
      parameters:
        - { name: limit, in: query, required: true, schema: { type: integer, minimum: 5 } }
        - { name: tags, in: query, example: [a, b], schema: { type: array, items: { type: string } } }
        - { name: optional, in: query, schema: { type: string } }
      responses:
        "200":
          description: ok
          content: { application/json: { schema: { type: array, items: { $ref: "#/components/schemas/Order" } } } }
    post:
      tags: [orders]
      summary: Make an order
      requestBody:
        content: { application/json: { schema: { $ref: "#/components/schemas/NewOrder" } } }
      responses:
        "201":
          description: made
          content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } }
        "400": { description: wrong }
  /orders/{order_id}:
    parameters: [{ name: order_id, in: path, required: true, schema: { type: string } }]
    delete: { tags: [orders], responses: { "204": { description: gone } } }
    get:
      tags: [orders]
      responses: { 2XX: { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Order" } } } } }
  /health:
    get: { security: [], responses: { default: { description: any } } }
components:
  securitySchemes: { key: { type: apiKey, in: header, name: X-Shop-Key } }
  schemas:
    NewOrder:
      type: object
      required: [item, count, mail]
      properties:
        item: { type: string, enum: [tea, coffee] }
        count: { type: integer, exclusiveMinimum: true, minimum: 3 }
        mail: { type: string, format: email }
        note: { type: string }
        hint: { type: string, example: "${{ no expression }}" }
        id: { type: string, readOnly: true }
    Order:
      type: object
      required: [id, item]
      properties:
        id: { type: string, format: uuid }
        item: { type: string }
        amount: { type: number, format: double, nullable: true, exclusiveMinimum: true, minimum: 0 }
        next: { $ref: "#/components/schemas/Order" }
      discriminator: { propertyName: item }
)yaml";

TEST(OpenApi, ATagBecomesAScenarioInWhichThingsAreMadeBeforeTheyAreRead) {
  const Draft draft = Imported(Format::kOpenApi, kShop);
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.scenarios, 2U);
  EXPECT_EQ(draft.endpoints.front().url, "https://eu.example.org/v1");
  const std::string text = FileOf(draft, "orders.yaml");
  EXPECT_LT(text.find("http: POST /orders"), text.find("http: GET /orders\n"));
  EXPECT_LT(text.find("http: GET /orders/${{ vars.order_id }}"),
            text.find("http: DELETE /orders/${{ vars.order_id }}"));
  EXPECT_THAT(text, HasSubstr("save: { order_id: body.id }"));
  EXPECT_THAT(text, HasSubstr("description: What people buy"));
  EXPECT_THAT(text, HasSubstr("query: { limit: 5, tags: [a, b] }"));
  EXPECT_THAT(text, HasSubstr("item: tea"));
  EXPECT_THAT(text, HasSubstr("count: 4"));
  EXPECT_THAT(text, HasSubstr("mail: \"${{ fake.email() }}\""));
  EXPECT_THAT(text, HasSubstr("$${{ no expression }}"));
  EXPECT_THAT(text, Not(HasSubstr("note:")));
  EXPECT_THAT(text, HasSubstr("status == 201"));
  EXPECT_THAT(text, HasSubstr("status >= 200 && status < 300"));
  EXPECT_THAT(
      text,
      HasSubstr("api_key: { header: X-Shop-Key, value: \"${{ environment.credentials.key }}\" }"));
  EXPECT_THAT(FileOf(draft, "health.yaml"), Not(HasSubstr("api_key")));
}

TEST(OpenApi, SchemasOfAnswersAreWrittenInWhatIsChecked) {
  const Draft draft = Imported(Format::kOpenApi, kShop);
  const std::string file = FileOf(draft, "schemas/post-orders-201.json");
  const auto schema = boost::json::parse(file).as_object();
  EXPECT_EQ(schema.at("$ref"), "#/$defs/Order");
  const auto& order = schema.at("$defs").at("Order").as_object();
  EXPECT_FALSE(order.contains("discriminator"));
  const auto& amount = order.at("properties").at("amount").as_object();
  EXPECT_EQ(amount.at("exclusiveMinimum"), 0);
  EXPECT_FALSE(amount.contains("minimum"));
  EXPECT_FALSE(amount.contains("format"));
  EXPECT_EQ(amount.at("type"), (boost::json::array{"number", "null"}));
  EXPECT_EQ(order.at("properties").at("next").at("$ref"), "#/$defs/Order");
}

TEST(OpenApi, EachOperationCanBeAScenario) {
  const Draft draft =
      Imported(Format::kOpenApi, kShop,
               {.name = "shop", .url = "http://127.0.0.1:1", .grouping = Grouping::kOperation});
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_EQ(draft.scenarios, 5U);
  EXPECT_EQ(draft.endpoints.front().url, "http://127.0.0.1:1");
}

TEST(OpenApi, JsonOfVersion31IsRead) {
  const Draft draft =
      Imported(Format::kOpenApi,
               R"json({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {
    "/a/{x}/{y}": {"post": {"parameters": [{"name": "x", "in": "path", "required": true, "schema": {"type": ["string", "null"], "examples": ["a b"]}},
        {"name": "sid", "in": "cookie", "required": true, "schema": {"type": "string"}}, {"name": "X-H", "in": "header", "required": true, "schema": {"const": "v"}}],
      "requestBody": {"content": {"multipart/form-data": {"schema": {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}}}}}},
      "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "string", "contentEncoding": "base64", "unevaluatedProperties": false}}}}}}},
    "/f": {"put": {"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object", "properties": {"password": {"type": "string", "example": "canary"}}}}}},
      "responses": {"200": {"$ref": "#/components/responses/ok"}}}},
    "/g": {"post": {"security": [{"b": []}, {"o": []}], "requestBody": {"content": {"text/csv": {"schema": {"type": "string"}}}}, "responses": {}}}},
    "components": {"responses": {"ok": {"description": "ok"}}, "securitySchemes": {"b": {"type": "http", "scheme": "basic"}, "o": {"type": "oauth2"}}}})json");
  EXPECT_EQ(ProblemsOf(draft), "");
  const std::string all = EverythingOf(draft);
  EXPECT_THAT(all, HasSubstr("http: POST /a/a%20b/1"));
  EXPECT_THAT(all, HasSubstr("filename: file.bin"));
  EXPECT_THAT(all, Not(HasSubstr("canary")));
  EXPECT_THAT(all, HasSubstr("user: ${{ environment.credentials.b_user }}"));
  EXPECT_THAT(NotesOf(draft),
              HasSubstr("POST /a/{x}/{y}: the path parameter \"y\" is not described"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("\"unevaluatedProperties\" is not checked"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("placeholder"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("is no whole address"));
}

TEST(OpenApi, ReferencesThatLeadNowhereAreNotedNotFollowed) {
  const Draft draft = Imported(Format::kOpenApi, R"yaml(openapi: 3.1.0
paths:
  /a:
    post:
      requestBody: { content: { application/json: { schema: { $ref: "other.yaml#/x" } } } }
      responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/none" } } } } }
  /b:
    get: { responses: { "200": { $ref: "#/components/responses/round" } } }
components: { responses: { round: { $ref: "#/components/responses/round" } } }
)yaml");
  EXPECT_EQ(ProblemsOf(draft), "");
  EXPECT_THAT(NotesOf(draft), HasSubstr("\"other.yaml#/x\" leads to another file"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("\"#/components/schemas/none\" leads nowhere"));
  EXPECT_THAT(NotesOf(draft), HasSubstr("in a circle"));
}

TEST(OpenApi, OtherDocumentsAreRefusedWithTheReason) {
  EXPECT_THAT(Refused(Format::kOpenApi, "swagger: '2.0'\n").message, HasSubstr("Swagger 2.0"));
  EXPECT_THAT(Refused(Format::kOpenApi, "a: 1\n").message, HasSubstr("no OpenAPI document"));
  EXPECT_THAT(Refused(Format::kOpenApi, "openapi: 4.0.0\n").message, HasSubstr("4.0.0"));
  EXPECT_THAT(Refused(Format::kOpenApi, "openapi: 3.0.0\npaths: {}\n").message,
              HasSubstr("no operation"));
  EXPECT_TRUE(Refused(Format::kOpenApi, "openapi: 3.0.0\npaths:\n  - [\n").span.known());
  EXPECT_THAT(Refused(Format::kOpenApi, "{\"openapi\": 3,\n x}").ToString(), HasSubstr("line 2"));
}

}  // namespace
}  // namespace assay::importing
