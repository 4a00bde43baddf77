// SPDX-License-Identifier: Apache-2.0
#include "engine/container/facts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "engine/base/clock.h"
#include "engine/base/unique_fd.h"

namespace nsw::container {
namespace {

constexpr size_t kPeerTextMax = 32;
constexpr size_t kLabelBytesMax = 1U << 20;
constexpr size_t kMountsMax = 256;
constexpr size_t kMountsTextMax = 16U << 10;

}  // namespace

std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kPeerTextMax));
  for (char& c : out) {
    if (c < 0x21 || c > 0x7e) c = '?';
  }
  return out;
}

uint64_t ParseTime(std::string_view text) {
  tm parts{};
  const std::string copy(text.substr(0, 40));
  const char* rest = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr || parts.tm_year < 70) return 0;
  uint64_t fraction = 0;
  if (*rest == '.') {
    uint64_t unit = 1'000'000'000;
    for (rest++; *rest >= '0' && *rest <= '9'; rest++) {
      unit /= 10;
      fraction += unit * static_cast<uint64_t>(*rest - '0');
    }
  }
  int hours = 0;
  int minutes = 0;
  if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2) {
    const int sign = *rest == '-' ? -1 : 1;
    parts.tm_min -= sign * (hours * 60 + minutes);
  }
  const time_t seconds = timegm(&parts);
  return seconds <= 0 ? 0 : static_cast<uint64_t>(seconds) * 1'000'000'000 + fraction;
}

void BoundLabels(std::map<std::string, std::string>& labels) {
  using Entry = std::map<std::string, std::string>::const_iterator;
  const auto size = [](Entry e) { return e->first.size() + e->second.size(); };
  std::vector<Entry> largest_first;
  size_t bytes = 0;
  for (auto at = labels.cbegin(); at != labels.cend(); ++at) {
    bytes += size(at);
    largest_first.push_back(at);
  }
  if (bytes <= kLabelBytesMax) return;
  std::ranges::sort(largest_first, [&](Entry a, Entry b) { return size(a) > size(b); });
  for (const Entry at : largest_first) {
    if (bytes <= kLabelBytesMax) break;
    bytes -= size(at);
    labels.erase(at);
  }
}

void TakePod(Container& container) {
  const auto take = [&](const char* label, std::string& into) {
    const auto found = container.labels.find(label);
    if (found != container.labels.end()) into = found->second;
  };
  take("io.kubernetes.pod.namespace", container.k8s_namespace);
  take("io.kubernetes.pod.name", container.k8s_pod);
  take("io.kubernetes.pod.uid", container.k8s_pod_uid);
  take("io.kubernetes.container.name", container.k8s_container);
}

uint64_t ProcessStartNs(pid_t pid) {
  if (pid <= 0) return 0;
  const UniqueFd fd(open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 1024> text;
  const ssize_t n = fd.valid() ? read(fd.get(), text.data(), text.size() - 1) : 0;
  if (n <= 0) return 0;
  // The name, in parentheses, may hold anything; the start is the 20th word after it.
  std::string_view rest(text.data(), static_cast<size_t>(n));
  rest.remove_prefix(std::min(rest.rfind(')'), rest.size() - 1) + 1);
  for (int word = 0; word < 20; word++)
    rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  uint64_t ticks = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  const uint64_t since_boot = ticks * (1'000'000'000 / static_cast<uint64_t>(sysconf(_SC_CLK_TCK)));
  // The same process is to have the same start however often it is asked for.
  constexpr uint64_t kStep = 10'000'000;
  const uint64_t begin = SystemClock().RealNs() - SystemClock().BootNs() + since_boot;
  return (begin + kStep / 2) / kStep * kStep;
}

void MountList::Add(std::string_view source, std::string_view destination) {
  if (all.size() < kMountsMax)
    all.push_back({std::string(source), std::string(destination), "", true, ""});
}

std::string MountList::Text() const {
  std::string text;
  for (const Mount& mount : all) {
    if (text.size() > kMountsTextMax) break;
    if (!text.empty()) text += ' ';
    text += mount.source + ':' + mount.destination + ':' + mount.mode +
            (mount.writable ? ":true:" : ":false:") + mount.propagation;
  }
  return text;
}

}  // namespace nsw::container
