#pragma once
// Certificates for tests: a CA of one's own and what it signs.

#include <filesystem>
#include <string>

namespace testing_support {

/// PEM files.
struct CertificateFiles {
  std::string certificate;
  std::string key;
};

/// A self-signed certificate for localhost and 127.0.0.1, valid for an hour, which is its own CA:
/// `name`.pem and `name`.key in `folder`.
CertificateFiles MakeCertificate(const std::filesystem::path& folder, const std::string& name);

}  // namespace testing_support
