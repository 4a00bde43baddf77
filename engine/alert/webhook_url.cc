// SPDX-License-Identifier: Apache-2.0
#include "engine/alert/webhook_url.h"

#include <curl/curl.h>

#include <memory>

namespace nsw::alert {
namespace {

using Url = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string Part(const Url& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

Result<std::string> WebhookOrigin(const std::string& url) {
  const Url parsed(curl_url(), &curl_url_cleanup);
  const CURLUcode code = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0);
  if (code == CURLUE_UNSUPPORTED_SCHEME || code == CURLUE_BAD_SCHEME) {
    return Fail("the URL must begin with http:// or https://");
  }
  if (code != CURLUE_OK) return Fail(std::string("not a URL: ") + curl_url_strerror(code));
  const std::string scheme = Part(parsed, CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    return Fail("the URL must begin with http:// or https://");
  }
  const std::string port = Part(parsed, CURLUPART_PORT);
  return scheme + "://" + Part(parsed, CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

}  // namespace nsw::alert
