#include "assay/history/verify.h"

#include <set>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/blob_store.h"
#include "assay/history/event_log.h"
#include "assay/history/file_io.h"
#include "assay/history/run_model.h"
#include "assay/history/shards/verify_shards.h"
#include "lib/crypto/hash.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::history {
namespace {

constexpr std::string_view kSignedPrefix = "assay run v1\n";

std::string ToHex(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  return crypto::ToHex(std::span(data, bytes.size()));
}

std::string FromHex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
  };
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return {};
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

class Verifier {
 public:
  Verifier(std::filesystem::path run_dir, const VerifyOptions& options)
      : run_dir_(std::move(run_dir)), options_(options), blobs_(run_dir_ / "blobs", nullptr) {}

  base::Result<VerifyReport> Run() {
    TRY(ReadLog());
    CheckEnd();
    CheckShards();
    CheckSummary();
    CheckSignature();
    if (options_.project_dir) CompareInputs();
    return std::move(report_);
  }

 private:
  void Problem(uint64_t line, uint64_t seq, std::string what) {
    report_.problems.push_back({line, seq, std::move(what)});
  }

  base::Result<void> ReadLog() {
    TRY(EventReader reader, EventReader::Open(run_dir_ / "events.jsonl"));
    report_.head_hash = FirstPrev();
    for (;;) {
      auto event = reader.Next();
      if (!event) {
        readable_ = false;
        Problem(reader.line(), report_.events, event.error().message);
        return {};
      }
      if (!*event) return {};
      CheckEvent(**event, reader);
      events_.push_back(std::move(**event));
    }
  }

  void CheckEvent(const Event& event, const EventReader& reader) {
    const uint64_t expected = events_.empty() ? 1 : events_.back().seq + 1;
    const uint64_t line = reader.line();
    if (event.seq != expected) {
      Problem(line, event.seq,
              fmt::format("seq is {}, expected {}: events are missing, doubled or "
                          "out of order",
                          event.seq, expected));
    }
    if (event.prev != report_.head_hash) {
      Problem(line, event.seq, "prev is not the hash of the event before: the chain is broken");
    }
    if (HashOf(event) != event.hash) {
      Problem(line, event.seq, "the content does not match its hash: the event was changed");
    } else if (ToLine(event) != reader.text()) {
      Problem(line, event.seq, "the line is not in canonical form (RFC 8785)");
    }
    for (const std::string& blob : event.blobs) CheckBlob(blob, line, event.seq);
    report_.head_hash = event.hash;
    ++report_.events;
  }

  void CheckBlob(const std::string& name, uint64_t line, uint64_t seq) {
    if (!seen_blobs_.insert(name).second) return;
    ++report_.blobs;
    if (const auto bytes = blobs_.Get(name); !bytes) Problem(line, seq, bytes.error().message);
  }

  void CheckEnd() {
    if (!readable_) return;
    if (events_.empty()) return Problem(0, 0, "the log is empty");
    const Event& last = events_.back();
    const uint64_t line = events_.size();
    if (events_.front().kind != kind::kRunStarted) {
      Problem(1, events_.front().seq, "the log does not begin with run.started");
    }
    report_.finished = last.kind == kind::kRunFinished;
    if (!report_.finished) {
      return Problem(
          line, last.seq,
          fmt::format("the log ends without run.finished: it was cut off after seq {}", last.seq));
    }
    const auto* head = last.data.if_contains("head");
    if (head == nullptr || !head->is_string() || head->get_string() != last.prev) {
      Problem(line, last.seq, "the head hash in run.finished is not that of the event before");
    }
  }

  void CheckShards() {
    for (ShardProblem& problem : FindShardProblems(events_, blobs_)) {
      Problem(problem.seq, problem.seq, std::move(problem.what));
    }
  }

  // run.json is a summary for machines; when it is there, it must say what the log says.
  void CheckSummary() {
    const auto text = ReadWholeFile(run_dir_ / "run.json");
    if (!text || !report_.problems.empty()) return;
    const auto model = BuildRunModel(run_dir_.filename().string(), events_);
    const auto json = json::Parse(*text);
    if (!json || !model || !json->is_object()) {
      return Problem(0, 0, "run.json cannot be read");
    }
    // The directory may have been renamed since.
    boost::json::object stored = json->get_object();
    boost::json::object rebuilt = SummaryJson(*model);
    stored.erase("id");
    rebuilt.erase("id");
    if (json::Canonical(stored) != json::Canonical(rebuilt)) {
      Problem(0, 0, "run.json does not say what the log says");
    }
  }

  void CheckSignature() {
    const auto text = ReadWholeFile(run_dir_ / "run.sig");
    if (!text) {
      if (options_.public_key) Problem(0, report_.events, "the run is not signed");
      return;
    }
    report_.signature = SignatureState::kInvalid;
    const auto json = json::Parse(*text);
    if (!json || !json->is_object()) return Problem(0, 0, "run.sig cannot be read");
    const auto field = [&](std::string_view key) {
      const auto* value = json->get_object().if_contains(key);
      return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                    : std::string();
    };
    report_.public_key = field("public_key");
    const std::string key = FromHex(report_.public_key);
    const std::string signature = FromHex(field("signature"));
    const bool shaped = key.size() == 32 && signature.size() == 64;
    const std::string message = std::string(kSignedPrefix) + report_.head_hash;
    if (!shaped || !crypto::VerifySignature(key, message, signature)) {
      return Problem(0, report_.events, "the signature does not match the log");
    }
    if (options_.public_key && key != *options_.public_key) {
      return Problem(0, report_.events,
                     fmt::format("the run is signed by another key: {}", report_.public_key));
    }
    report_.signature = SignatureState::kValid;
  }

  void CompareInputs() {
    if (events_.empty()) return;
    const auto* manifest = events_.front().data.if_contains("manifest");
    if (manifest == nullptr || !manifest->is_object()) return;
    const auto* inputs = manifest->get_object().if_contains("inputs");
    if (inputs == nullptr || !inputs->is_array()) return;
    for (const auto& input : inputs->get_array()) {
      const auto* object = input.if_object();
      if (object == nullptr) continue;
      const auto* file = object->if_contains("file");
      const auto* digest = object->if_contains("sha256");
      if (file == nullptr || digest == nullptr || !file->is_string() || !digest->is_string()) {
        continue;
      }
      ChangedInput change{std::string(file->get_string()), std::string(digest->get_string()), {}};
      change.now = DigestOfFile(*options_.project_dir / change.file);
      if (change.now != change.recorded) report_.changed_inputs.push_back(std::move(change));
    }
  }

  std::filesystem::path run_dir_;
  const VerifyOptions& options_;
  DirectoryBlobs blobs_;
  std::vector<Event> events_;
  std::set<std::string> seen_blobs_;
  bool readable_ = true;
  VerifyReport report_;
};

}  // namespace

base::Result<VerifyReport> Verify(const std::filesystem::path& run_dir,
                                  const VerifyOptions& options) {
  return Verifier(run_dir, options).Run();
}

base::Result<void> SignRun(const std::filesystem::path& run_dir, const crypto::SigningKey& key) {
  TRY(EventReader reader, EventReader::Open(run_dir / "events.jsonl"));
  std::string head;
  for (;;) {
    TRY(const auto event, reader.Next());
    if (!event) break;
    head = event->hash;
  }
  if (head.empty()) return base::Fail(base::ErrorCode::kInvalid, "an empty log cannot be signed");
  const boost::json::object signature = {
      {"algorithm", "Ed25519"},
      {"head", head},
      {"public_key", ToHex(key.public_key)},
      {"signature", ToHex(crypto::Sign(key.secret, std::string(kSignedPrefix) + head))}};
  return WriteFileAtomically(run_dir / "run.sig", json::Pretty(signature) + "\n");
}

std::string DigestOfFile(const std::filesystem::path& file) {
  const auto bytes = ReadWholeFile(file);
  return bytes ? crypto::Sha256Hex(*bytes) : std::string();
}

}  // namespace assay::history
