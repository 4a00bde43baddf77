// SPDX-License-Identifier: Apache-2.0
// What the pipeline reports of the engine itself: what it relies on in the kernel has failed, or
// works again.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "engine/base/text.h"
#include "engine/pipeline.h"

namespace nsw {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr const char* kImpaired = "engine impaired";
constexpr const char* kRestored = "engine restored";

std::string TextOf(const Heartbeat::Change& change, uint64_t now_ns) {
  const Heartbeat::State& state = change.state;
  if (!change.works) return change.what + ": " + state.trouble;
  std::string text = change.what + ": works again, after " +
                     DurationText((now_ns - state.failing_ns) / kSecond * kSecond);
  if (state.failures > 1)
    text += " in which it failed " + std::to_string(state.failures) + " times";
  return text;
}

}  // namespace

void Pipeline::Beat() {
  const uint64_t now = parts_.clock.BootNs();
  for (const Heartbeat::Change& change : heartbeat_.Beat(parts_.kernel.Signs(), now))
    ReportChange(change, TextOf(change, now));
}

void Pipeline::ReportChange(const Heartbeat::Change& change, const std::string& text) {
  const std::string rule = change.works ? kRestored : kImpaired;
  spdlog::log(change.works ? spdlog::level::warn : spdlog::level::err, "{}: {}", rule, text);
  alert::Alert alert;
  alert.time_ns = parts_.clock.RealNs();
  alert.rule = rule;
  alert.policy = "nswarden";
  alert.priority = change.works ? rule::Priority::kNotice : rule::Priority::kCritical;
  alert.source = "internal";  // as Falco calls what it says of itself
  alert.hostname = parts_.hostname;
  alert.output = text;
  alert.output_fields = {{"nswarden.what", change.what}};
  alert.action = "alert";
  ledger_.alerts++;
  if (parts_.history != nullptr) {
    parts_.history->RecordOperation(change.works ? "restored" : "impaired", text, geteuid(),
                                    static_cast<uint32_t>(getpid()));
  }
  parts_.dispatcher.Post(std::move(alert));
}

}  // namespace nsw
