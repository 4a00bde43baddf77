// SPDX-License-Identifier: Apache-2.0
// The webhook sink. The other side may be dead, slow, endless, lying, or send us elsewhere; an
// alert costs at most attempts * (timeout + pause).
#include <curl/curl.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "engine/alert/dispatcher.h"
#include "engine/alert/webhook_url.h"

namespace nsw::alert {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kAnswerMax = 64U << 10;  // bytes, headers and body each
constexpr milliseconds kFirstPause{200};
// After Stop an attempt still has so long: enough for the receiver that works.
constexpr milliseconds kLastChance{2500};

struct Outcome {
  bool delivered = false;
  bool retry = false;
  std::string what;
};

class WebhookSink final : public Sink {
 public:
  WebhookSink(WebhookOptions options, std::string origin)
      : options_(std::move(options)), name_("webhook " + origin) {
    static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)once;
    easy_ = curl_easy_init();
    headers_ = curl_slist_append(headers_, "Content-Type: application/json");
    headers_ = curl_slist_append(headers_, "Expect:");
    SetUp();
  }
  ~WebhookSink() override {
    curl_easy_cleanup(easy_);
    curl_slist_free_all(headers_);
  }

  std::string name() const override { return name_; }
  Status Write(const Alert& alert) override;
  void Stop() override {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    last_chance_ = (steady_clock::now() + kLastChance).time_since_epoch().count();
    stopped_ = true;
    wake_.notify_all();
  }

 private:
  void SetUp();
  Outcome Post(const std::string& body);
  static Outcome Judge(CURLcode code, long status);
  bool Pause(milliseconds time) {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, time, [this] { return stopped_.load(); });
  }
  bool TooLate() const {
    return stopped_ && steady_clock::now().time_since_epoch().count() > last_chance_;
  }
  static size_t OnAnswer(char*, size_t size, size_t count, void* bytes) {
    *static_cast<size_t*>(bytes) += size * count;
    return *static_cast<size_t*>(bytes) <= kAnswerMax ? size * count : 0;
  }
  static int OnProgress(void* sink, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<WebhookSink*>(sink)->TooLate() ? 1 : 0;
  }

  const WebhookOptions options_;
  const std::string name_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  size_t header_bytes_ = 0;
  size_t body_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stopped_{false};
  std::atomic<steady_clock::rep> last_chance_{0};
};

void WebhookSink::SetUp() {
  curl_easy_setopt(easy_, CURLOPT_URL, options_.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);  // never wait for a name server's thread
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(options_.timeout_ms));
  curl_easy_setopt(easy_, CURLOPT_USERAGENT, "nswarden");
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
  curl_easy_setopt(easy_, CURLOPT_POST, 1L);
  curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &WebhookSink::OnAnswer);
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, &header_bytes_);
  curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &WebhookSink::OnAnswer);
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &body_bytes_);
  curl_easy_setopt(easy_, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(easy_, CURLOPT_XFERINFOFUNCTION, &WebhookSink::OnProgress);
  curl_easy_setopt(easy_, CURLOPT_XFERINFODATA, this);
}

Status WebhookSink::Write(const Alert& alert) {
  const std::string body = ToJson(alert);
  milliseconds pause = kFirstPause;
  for (int attempt = 1;; attempt++) {
    if (TooLate()) return Fail(name_ + ": stopped before it was sent");
    const Outcome outcome = Post(body);
    if (outcome.delivered) return {};
    if (!outcome.retry || attempt >= options_.attempts || !Pause(pause)) {
      return Fail(name_ + ": " + outcome.what);
    }
    pause *= 2;
  }
}

Outcome WebhookSink::Post(const std::string& body) {
  header_bytes_ = 0;
  body_bytes_ = 0;
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  const CURLcode code = curl_easy_perform(easy_);
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  return Judge(code, status);
}

// The status line decides, whatever becomes of the rest of the answer: an alert that was accepted
// must not be sent again because the receiver never stops talking.
Outcome WebhookSink::Judge(CURLcode code, long status) {
  if (status >= 200) {
    const std::string what = "status " + std::to_string(status);
    if (status < 300) return {.delivered = true, .retry = false, .what = what};
    if (status < 400) return {false, false, what + ": redirects are not followed"};
    return {false, status == 429 || status >= 500, what};
  }
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
      return {false, true, curl_easy_strerror(code)};
    case CURLE_OK:
      return {false, false, "no answer"};
    default:
      return {false, false, curl_easy_strerror(code)};
  }
}

}  // namespace

Result<std::unique_ptr<Sink>> MakeWebhookSink(WebhookOptions options) {
  const Result<std::string> origin = WebhookOrigin(options.url);
  if (!origin) return tl::unexpected(origin.error());
  if (options.timeout_ms <= 0) return Fail("the timeout must be more than 0");
  if (options.attempts <= 0) return Fail("there must be at least 1 attempt");
  return std::make_unique<WebhookSink>(std::move(options), *origin);
}

}  // namespace nsw::alert
