#include "montage/identity/schema.h"

#include <array>

namespace montage::identity {
namespace {

// Times are nanoseconds since the Unix epoch, UTC. Hashes are SHA-256 in hexadecimal.
constexpr std::array<std::string_view, 8> kUp = {
    "CREATE TABLE users ("
    " user_id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL, role "
    "TEXT NOT NULL,"
    " site TEXT NOT NULL, active {int} NOT NULL, failures {int} NOT NULL, locked_until_ns {int} "
    "NOT NULL,"
    " created_ns {int} NOT NULL){strict}",
    "CREATE TABLE signing_keys ("
    " kid TEXT PRIMARY KEY, sealed_secret TEXT NOT NULL, created_ns {int} NOT NULL, retired_ns "
    "{int}){strict}",
    "CREATE TABLE refresh_tokens ("
    " token_hash TEXT PRIMARY KEY, family TEXT NOT NULL, user_id TEXT NOT NULL REFERENCES "
    "users(user_id),"
    " expires_ns {int} NOT NULL, used {int} NOT NULL){strict}",
    "CREATE INDEX refresh_tokens_family ON refresh_tokens(family)",
    "CREATE TABLE revoked_families (family TEXT PRIMARY KEY, until_ns {int} NOT NULL){strict}",
    "CREATE TABLE api_keys ("
    " key_id TEXT PRIMARY KEY, name TEXT NOT NULL, key_hash TEXT NOT NULL UNIQUE, user_id TEXT NOT "
    "NULL REFERENCES users(user_id),"
    " scopes TEXT NOT NULL, active {int} NOT NULL, created_ns {int} NOT NULL, expires_ns {int},"
    " per_minute {int}, per_hour {int}, per_day {int}, last_used_ns {int}){strict}",
    "CREATE TABLE api_key_usage ("
    " key_id TEXT NOT NULL REFERENCES api_keys(key_id), period TEXT NOT NULL, period_start_ns "
    "{int} NOT NULL,"
    " requests {int} NOT NULL, PRIMARY KEY (key_id, period, period_start_ns)){strict}",
    "CREATE INDEX api_keys_user ON api_keys(user_id)"};

constexpr std::array<std::string_view, 6> kDown = {
    "DROP TABLE api_key_usage",  "DROP TABLE api_keys",     "DROP TABLE revoked_families",
    "DROP TABLE refresh_tokens", "DROP TABLE signing_keys", "DROP TABLE users"};

}  // namespace

std::span<const std::string_view> SchemaUp() { return kUp; }
std::span<const std::string_view> SchemaDown() { return kDown; }

}  // namespace montage::identity
