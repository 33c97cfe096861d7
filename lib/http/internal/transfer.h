#pragma once
// Transfer: one request set up on a curl handle, and what came back. For .cc files.

#include <cstdio>

#include <curl/curl.h>

#include "lib/http/client.h"
#include "lib/http/internal/curl_loop.h"

namespace http::internal {

class Transfer {
 public:
  /// `request` outlives the transfer.
  Transfer(const ClientRequest& request, Url url);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  base::Result<void> Prepare(const ClientOptions& options, base::WallTime now);
  /// Runs it to its end; removes it from the loop in any case.
  net::Task<base::Result<ClientResponse>> Run(std::shared_ptr<CurlLoop> loop,
                                              base::Deadline deadline);

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }
  void SetString(CURLoption option, const std::string& value) {
    if (!value.empty()) Set(option, value.c_str());
  }

  void SetConnection(const ClientOptions& options);
  void SetTls();
  base::Result<void> SetMethodAndBody();
  base::Result<void> SetFile(const FileContent& file);
  base::Result<void> SetForm(const std::vector<FormPart>& parts);
  base::Result<void> SetAuth(base::WallTime now);
  base::Result<void> SetHeaders();
  base::Result<std::string> PayloadHashOf(const SigV4Key& key) const;

  static size_t OnBody(char* bytes, size_t one, size_t count, void* self);
  static size_t OnHeader(char* bytes, size_t one, size_t count, void* self);
  static size_t OnRead(char* into, size_t one, size_t count, void* self);
  static int OnSeek(void* self, curl_off_t offset, int origin);
  static int OnDebug(CURL* easy, curl_infotype type, char* bytes, size_t count, void* self);

  base::Result<ClientResponse> Finish();
  base::Error ErrorOf(CURLcode code) const;
  base::Error ConnectError() const;
  void ReadFacts(ClientResponse& response) const;
  std::optional<CertificateFacts> Certificate() const;
  /// `host:port` of the first request, for messages.
  std::string Peer() const;

  template <typename T>
  T Get(CURLINFO which) const {
    T value{};
    curl_easy_getinfo(easy_, which, &value);
    return value;
  }

  const ClientRequest& request_;
  Url url_;
  CURL* easy_;
  curl_slist* fields_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  curl_mime* form_ = nullptr;
  std::FILE* upload_ = nullptr;
  std::FILE* download_ = nullptr;
  Headers extra_;  ///< fields of a signature

  std::string body_;
  uint64_t body_bytes_ = 0;
  bool too_large_ = false;
  bool disk_failed_ = false;
  std::vector<WireHeads> heads_;
  bool head_complete_ = true;
  std::string trailers_;
  char message_[CURL_ERROR_SIZE] = {};
};

}  // namespace http::internal
