#pragma once
// Who may do what: roles times permissions.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace montage::identity {

enum class Role {
  kAdmin,
  kClinician,
  kTechnician,
  kResearcher,
  kPatient,
  kDevice,
  kService,
  kViewer
};

enum class Permission {
  kUploadRecording,  ///< POST eeg/upload
  kAnalyze,          ///< submit, cancel jobs and batches
  kReadOwn,          ///< read what one owns
  kReadSite,         ///< read everything of one's site
  kDeleteRecording,
  kManageUsers,
  kManageKeys,
  kReadAudit,
  kReadMetrics,
  kReadClinical,   ///< read clinical records of one's site
  kWriteClinical,  ///< store them
  kManageCache,    ///< see and change what is cached, of one's site
};

/// `admin`, `clinician`, ...
std::string_view ToString(Role role);
std::optional<Role> ParseRole(std::string_view text);
std::span<const Role> AllRoles();

/// `recordings:upload`, `jobs:submit`, `results:read`, `site:read`, ...: also the scopes of API
/// keys.
std::string_view ToString(Permission permission);
std::optional<Permission> ParsePermission(std::string_view text);
std::span<const Permission> AllPermissions();

bool Allows(Role role, Permission permission);

/// Who is asking, after authentication.
struct Principal {
  std::string user_id;
  std::string username;
  Role role = Role::kViewer;
  std::string site;
  std::string key_id;              ///< of an API key; "" for a token
  std::string token_family;        ///< of a token; "" for an API key
  std::vector<Permission> scopes;  ///< of an API key: it may do no more than these

  /// The role allows it and, for an API key, so does a scope.
  bool May(Permission permission) const;
  /// Object-level rule: the owner with kReadOwn, or somebody of the owner's site with kReadSite.
  bool MayRead(std::string_view owner_id, std::string_view owner_site) const;
};

}  // namespace montage::identity
