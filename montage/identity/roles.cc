#include "montage/identity/roles.h"

#include <algorithm>
#include <array>
#include <utility>

namespace montage::identity {
namespace {

constexpr std::array kRoles = {Role::kAdmin,      Role::kClinician, Role::kTechnician,
                               Role::kResearcher, Role::kPatient,   Role::kDevice,
                               Role::kService,    Role::kViewer};

constexpr std::array kPermissions = {
    Permission::kUploadRecording, Permission::kAnalyze,         Permission::kReadOwn,
    Permission::kReadSite,        Permission::kDeleteRecording, Permission::kManageUsers,
    Permission::kManageKeys,      Permission::kReadAudit,       Permission::kReadMetrics,
    Permission::kManageCache,     Permission::kReadClinical,    Permission::kWriteClinical};

constexpr unsigned Bit(Permission permission) { return 1U << static_cast<unsigned>(permission); }

// Reads like a table: one line a role.
constexpr unsigned GrantsOf(Role role) {
  using enum Permission;
  switch (role) {
    case Role::kAdmin:
      return Bit(kUploadRecording) | Bit(kAnalyze) | Bit(kReadOwn) | Bit(kReadSite) |
             Bit(kDeleteRecording) | Bit(kManageUsers) | Bit(kManageKeys) | Bit(kReadAudit) |
             Bit(kReadMetrics) | Bit(kManageCache);
    case Role::kClinician:
      return Bit(kUploadRecording) | Bit(kAnalyze) | Bit(kReadOwn) | Bit(kReadSite) |
             Bit(kReadClinical) | Bit(kWriteClinical);
    case Role::kTechnician:
      return Bit(kUploadRecording) | Bit(kAnalyze) | Bit(kReadOwn) | Bit(kDeleteRecording);
    case Role::kResearcher:
      return Bit(kUploadRecording) | Bit(kAnalyze) | Bit(kReadOwn);
    case Role::kService:
      return Bit(kUploadRecording) | Bit(kAnalyze) | Bit(kReadOwn) | Bit(kReadMetrics);
    case Role::kDevice:
      return Bit(kUploadRecording);
    case Role::kPatient:
      return Bit(kReadOwn);
    case Role::kViewer:
      return Bit(kReadOwn) | Bit(kReadSite);
  }
  std::unreachable();
}

}  // namespace

std::string_view ToString(Role role) {
  switch (role) {
    case Role::kAdmin:
      return "admin";
    case Role::kClinician:
      return "clinician";
    case Role::kTechnician:
      return "technician";
    case Role::kResearcher:
      return "researcher";
    case Role::kPatient:
      return "patient";
    case Role::kDevice:
      return "device";
    case Role::kService:
      return "service";
    case Role::kViewer:
      return "viewer";
  }
  std::unreachable();
}

std::string_view ToString(Permission permission) {
  switch (permission) {
    case Permission::kUploadRecording:
      return "recordings:upload";
    case Permission::kAnalyze:
      return "jobs:submit";
    case Permission::kReadOwn:
      return "results:read";
    case Permission::kReadSite:
      return "site:read";
    case Permission::kDeleteRecording:
      return "recordings:delete";
    case Permission::kManageUsers:
      return "users:manage";
    case Permission::kManageKeys:
      return "keys:manage";
    case Permission::kReadAudit:
      return "audit:read";
    case Permission::kReadMetrics:
      return "metrics:read";
    case Permission::kManageCache:
      return "cache:manage";
    case Permission::kReadClinical:
      return "clinical:read";
    case Permission::kWriteClinical:
      return "clinical:write";
  }
  std::unreachable();
}

std::optional<Role> ParseRole(std::string_view text) {
  const auto found = std::ranges::find(kRoles, text, [](Role role) { return ToString(role); });
  if (found == kRoles.end()) return std::nullopt;
  return *found;
}

std::optional<Permission> ParsePermission(std::string_view text) {
  const auto found =
      std::ranges::find(kPermissions, text, [](Permission p) { return ToString(p); });
  if (found == kPermissions.end()) return std::nullopt;
  return *found;
}

std::span<const Role> AllRoles() { return kRoles; }
std::span<const Permission> AllPermissions() { return kPermissions; }

bool Allows(Role role, Permission permission) { return (GrantsOf(role) & Bit(permission)) != 0; }

bool Principal::May(Permission permission) const {
  if (!Allows(role, permission)) return false;
  return key_id.empty() || std::ranges::find(scopes, permission) != scopes.end();
}

bool Principal::MayRead(std::string_view owner_id, std::string_view owner_site) const {
  if (owner_id == user_id && May(Permission::kReadOwn)) return true;
  return owner_site == site && May(Permission::kReadSite);
}

}  // namespace montage::identity
