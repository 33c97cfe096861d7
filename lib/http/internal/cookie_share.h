#pragma once
// The libcurl side of a CookieJar. For .cc files.

#include <curl/curl.h>

#include "lib/http/client.h"

namespace http {

struct CookieJar::Share {
  CURLSH* handle = nullptr;
};

}  // namespace http
