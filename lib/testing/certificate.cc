#include "lib/testing/certificate.h"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace testing_support {
namespace {

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* object) const { Free(object); }
};
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;

void AddExtension(X509* certificate, int kind, const char* value) {
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Certificate SignedBy(EVP_PKEY* key, const std::string& subject) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 7);
  constexpr long kAnHour = 3600;
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kAnHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kAnHour);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  AddExtension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(certificate.get(), NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

template <typename Write>
void WriteFile(const std::string& path, const Write& write) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) throw std::runtime_error("cannot write " + path);
  write(file);
  std::fclose(file);
}

}  // namespace

CertificateFiles MakeCertificate(const std::filesystem::path& folder, const std::string& name) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = SignedBy(key.get(), name);
  CertificateFiles files{(folder / (name + ".pem")).string(), (folder / (name + ".key")).string()};
  WriteFile(files.certificate, [&](std::FILE* file) { PEM_write_X509(file, certificate.get()); });
  WriteFile(files.key, [&](std::FILE* file) {
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace testing_support
