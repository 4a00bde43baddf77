// SPDX-License-Identifier: Apache-2.0
// The URL of a webhook, checked once. Used by the webhook sink.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace nsw::alert {

/// What may be said of a webhook's URL: "https://host:port". Its user, password, path and query
/// often are the secret. Errors: not a URL, not http or https; they do not quote it.
Result<std::string> WebhookOrigin(const std::string& url);

}  // namespace nsw::alert
