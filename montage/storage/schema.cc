#include "montage/storage/schema.h"

namespace montage::storage {
namespace {

Migration Identity() {
  return {1,
          "identity",
          {R"(CREATE TABLE users (user_id TEXT PRIMARY KEY, username TEXT NOT NULL UNIQUE,
            password_hash TEXT NOT NULL, role TEXT NOT NULL, site TEXT NOT NULL,
            active {int} NOT NULL, failures {int} NOT NULL, locked_until_ns {int} NOT NULL,
            created_ns {int} NOT NULL) {strict})",
           R"(CREATE TABLE signing_keys (kid TEXT PRIMARY KEY, sealed_secret TEXT NOT NULL,
            created_ns {int} NOT NULL, retired_ns {int}) {strict})",
           R"(CREATE TABLE refresh_tokens (token_hash TEXT PRIMARY KEY, family TEXT NOT NULL,
            user_id TEXT NOT NULL REFERENCES users(user_id), expires_ns {int} NOT NULL,
            used {int} NOT NULL) {strict})",
           "CREATE INDEX refresh_tokens_family ON refresh_tokens(family)",
           R"(CREATE TABLE revoked_families (family TEXT PRIMARY KEY, until_ns {int} NOT NULL)
            {strict})",
           R"(CREATE TABLE api_keys (key_id TEXT PRIMARY KEY, name TEXT NOT NULL,
            key_hash TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL REFERENCES users(user_id),
            scopes TEXT NOT NULL, active {int} NOT NULL, created_ns {int} NOT NULL,
            expires_ns {int}, per_minute {int}, per_hour {int}, per_day {int},
            last_used_ns {int}) {strict})",
           "CREATE INDEX api_keys_user ON api_keys(user_id)",
           R"(CREATE TABLE api_key_usage (key_id TEXT NOT NULL REFERENCES api_keys(key_id),
            period TEXT NOT NULL, period_start_ns {int} NOT NULL, requests {int} NOT NULL,
            PRIMARY KEY (key_id, period, period_start_ns)) {strict})"},
          {"DROP TABLE api_key_usage", "DROP TABLE api_keys", "DROP TABLE revoked_families",
           "DROP TABLE refresh_tokens", "DROP TABLE signing_keys", "DROP TABLE users"}};
}

Migration Analysis() {
  return {
      2,
      "analysis",
      {R"(CREATE TABLE files (file_id TEXT PRIMARY KEY, tenant TEXT NOT NULL,
            owner_id TEXT NOT NULL, sha256 TEXT NOT NULL, size {int} NOT NULL,
            format TEXT NOT NULL, sealed_name {blob}, object_key TEXT NOT NULL UNIQUE,
            created_at {int} NOT NULL, UNIQUE (tenant, owner_id, sha256)) {strict})",
       R"(CREATE TABLE batches (batch_id TEXT PRIMARY KEY, tenant TEXT NOT NULL,
            owner_id TEXT NOT NULL, total {int} NOT NULL, completed {int} NOT NULL DEFAULT 0,
            failed {int} NOT NULL DEFAULT 0, created_at {int} NOT NULL,
            CHECK (completed + failed <= total)) {strict})",
       R"(CREATE TABLE analysis_jobs (sequence {identity}, job_id TEXT NOT NULL UNIQUE,
            batch_id TEXT REFERENCES batches(batch_id), file_id TEXT, tenant TEXT NOT NULL,
            owner_id TEXT NOT NULL, analysis_type TEXT NOT NULL, parameters TEXT NOT NULL,
            priority {int} NOT NULL, status TEXT NOT NULL CHECK (status IN
              ('pending', 'processing', 'completed', 'failed', 'cancelled')),
            progress {int} NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
            retry_count {int} NOT NULL DEFAULT 0, cancel_requested {int} NOT NULL DEFAULT 0,
            lease_owner TEXT, lease_token {int} NOT NULL DEFAULT 0, lease_expires_at {int},
            created_at {int} NOT NULL, started_at {int}, completed_at {int}, results TEXT,
            error TEXT) {strict})",
       "CREATE INDEX analysis_jobs_queue ON analysis_jobs(status, priority DESC, sequence)",
       "CREATE INDEX analysis_jobs_owner ON analysis_jobs(tenant, owner_id, sequence)",
       "CREATE INDEX analysis_jobs_file ON analysis_jobs(file_id)",
       "CREATE INDEX analysis_jobs_batch ON analysis_jobs(batch_id)",
       R"(CREATE TABLE analysis_results (job_id TEXT PRIMARY KEY REFERENCES analysis_jobs(job_id)
            ON DELETE CASCADE, status TEXT NOT NULL, object_key TEXT NOT NULL,
            created_at {int} NOT NULL) {strict})",
       R"(CREATE TABLE analysis_metrics (job_id TEXT PRIMARY KEY REFERENCES analysis_jobs(job_id)
            ON DELETE CASCADE, processing_time_ms {int} NOT NULL,
            model_inference_time_ms {int} NOT NULL, created_at {int} NOT NULL) {strict})",
       R"(CREATE TABLE system_metrics (timestamp {int} PRIMARY KEY, active_jobs {int} NOT NULL,
            cpu_usage {real} NOT NULL, memory_usage {real} NOT NULL, gpu_usage {real} NOT NULL)
            {strict})"},
      {"DROP TABLE system_metrics", "DROP TABLE analysis_metrics", "DROP TABLE analysis_results",
       "DROP TABLE analysis_jobs", "DROP TABLE batches", "DROP TABLE files"}};
}

Migration Audit() {
  return {3,
          "audit",
          {R"(CREATE TABLE audit_log (seq {int} PRIMARY KEY, time_ns {int} NOT NULL,
                actor TEXT NOT NULL, action TEXT NOT NULL, object TEXT NOT NULL,
                decision TEXT NOT NULL, request_id TEXT NOT NULL, prev TEXT NOT NULL,
                hash TEXT NOT NULL) {strict})",
           "CREATE INDEX audit_log_actor ON audit_log(actor)",
           R"(CREATE TABLE idempotency_keys (owner_id TEXT NOT NULL, idempotency_key TEXT NOT NULL,
                request_hash TEXT NOT NULL, status {int}, response TEXT, created_at {int} NOT NULL,
                PRIMARY KEY (owner_id, idempotency_key)) {strict})"},
          {"DROP TABLE idempotency_keys", "DROP TABLE audit_log"}};
}

/// What several servers and workers on one database need: jobs whose state the broker is still to
/// be told, and the time series as a hypertable where TimescaleDB is installed (docs.timescale.com,
/// create_hypertable; chunks of one day in nanoseconds).
Migration Scale() {
  return {
      .number = 4,
      .name = "scale",
      .up = {"ALTER TABLE analysis_jobs ADD COLUMN announce {int} NOT NULL DEFAULT 0",
             "CREATE INDEX analysis_jobs_announce ON analysis_jobs(sequence) WHERE announce = 1"},
      .down = {"DROP INDEX analysis_jobs_announce",
               "ALTER TABLE analysis_jobs DROP COLUMN announce"},
      .up_postgres = {R"(DO $$ BEGIN
            IF EXISTS (SELECT 1 FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') THEN
              PERFORM create_hypertable('system_metrics', 'timestamp',
                chunk_time_interval => 86400000000000, if_not_exists => TRUE, migrate_data => TRUE);
            END IF;
          END $$)"}};
}

/// Columns that say nothing of a patient but the key, which is looked up (montage/clinical).
Migration Clinical() {
  return {.number = 5,
          .name = "clinical",
          .up = {R"(CREATE TABLE clinical_records (tenant TEXT NOT NULL, record_key TEXT NOT NULL,
            version {int} NOT NULL CHECK (version > 0), author_id TEXT NOT NULL,
            created_at {int} NOT NULL, sealed {blob} NOT NULL,
            PRIMARY KEY (tenant, record_key, version)) {strict})"},
          .down = {"DROP TABLE clinical_records"}};
}

}  // namespace

std::span<const Migration> Migrations() {
  static const std::vector<Migration> all = {Identity(), Analysis(), Audit(), Scale(), Clinical()};
  return all;
}

}  // namespace montage::storage
