#include "montage/api/routes.h"

namespace montage::api {

void AddRoutes(Api& api, Services& services) {
  AddAuthRoutes(api, services);
  AddEegRoutes(api, services);
  AddCleaningRoutes(api, services);
  AddFeatureRoutes(api, services);
  AddCacheRoutes(api, services);
  AddClinicalRoutes(api, services);
  AddJobRoutes(api, services);
  AddBatchRoutes(api, services);
  AddAdministrationRoutes(api, services);
  AddPlatformRoutes(api, services);
}

}  // namespace montage::api
