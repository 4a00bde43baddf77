// SPDX-License-Identifier: Apache-2.0
#include "store/match.h"

#include <algorithm>
#include <charconv>

#include "engine/container/container.h"
#include "engine/event/event.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/event_types.h"
#include "store/history.h"

namespace nsw::store {
namespace {

size_t CharacterAt(std::string_view text, size_t at) {
  size_t end = at + 1;  // what is not UTF-8 is a character a byte
  while (end < text.size() && end - at < 4 &&
         (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    end++;
  return end;
}

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

struct HostPort {
  std::string_view host;
  std::string_view port;  ///< "" when none was given
};

// "[::1]:443", "10.0.0.1:443", "::1", ":443". More than one colon outside brackets: an IPv6
// address.
HostPort Split(std::string_view text) {
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return {text, ""};
    const std::string_view rest = text.substr(close + 1);
    return {text.substr(1, close - 1), rest.starts_with(':') ? rest.substr(1) : rest};
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (colon != 0 && text.find(':') != colon)) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

bool IsGlob(std::string_view pattern) {
  return pattern.find_first_of("*?") != std::string_view::npos;
}

// Goes back to the last star only: time is at most the product of the lengths, never exponential.
bool GlobMatch(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      t = CharacterAt(text, t);
      p++;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      p++;
      t++;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') p++;
  return p == pattern.size();
}

bool ImageMatch(std::string_view pattern, std::string_view reference) {
  if (reference.empty()) return false;
  if (pattern == reference) return true;
  const container::Image image = container::ParseImage(reference);
  const std::string_view tagged = container::TagOf(image);
  if (IsGlob(pattern)) {
    const std::string tag = tagged.empty() ? "" : ":" + std::string(tagged);
    const std::string familiar(container::FamiliarName(image.repository));
    for (const std::string& text : {std::string(reference), familiar, familiar + tag,
                                    image.repository, image.repository + tag}) {
      if (GlobMatch(pattern, text)) return true;
    }
    return false;
  }
  const container::Image wanted = container::ParseImage(pattern);
  return wanted.repository == image.repository && (wanted.tag.empty() || wanted.tag == tagged) &&
         (wanted.digest.empty() || wanted.digest == image.digest);
}

bool ContainerMatch(std::string_view pattern, std::string_view name, std::string_view id) {
  constexpr size_t kShortestPrefix = 4;
  if (GlobMatch(pattern, name) || GlobMatch(pattern, id)) return true;
  return pattern.size() >= kShortestPrefix && id.starts_with(pattern);
}

bool ProcessMatch(std::string_view pattern, std::string_view exe, std::string_view name) {
  return GlobMatch(pattern, exe) || GlobMatch(pattern, name) || GlobMatch(pattern, BaseName(exe));
}

namespace {

// What the columns `event` and `type` can hold, as store/select.cc compares them.
std::vector<std::string_view> EventNames() {
  std::vector<std::string_view> names;
  const auto add = [&](std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (unsigned i = 1; i < NSW_EVENT_COUNT; i++) {
    const auto type = static_cast<event::Type>(i);
    if (type != event::Type::k_home) add(event::Info(type).name);  // homes are not recorded
  }
  for (const std::string_view name : rule::EventTypeNames()) {
    if (name != event::Info(event::Type::k_home).falco) add(name);
  }
  add(kOperationEvent);
  for (const std::string_view name : kOperations) add(name);
  return names;
}

}  // namespace

Status CheckEventFilter(std::string_view text) {
  const std::vector<std::string_view> names = EventNames();
  if (std::ranges::any_of(names, [&](auto name) { return GlobMatch(text, name); })) return {};
  const std::string_view nearest = rule::Nearest(text, names);
  std::string message = rule::Quoted(text) + " is no event";
  if (!nearest.empty()) message += "; did you mean " + std::string(nearest) + "?";
  std::string_view separator = "; known are ";
  for (const std::string_view name : names) {
    message.append(separator).append(name);
    separator = ", ";
  }
  return Fail(message);
}

Result<AddressFilter> ParseAddressFilter(std::string_view text) {
  AddressFilter filter;
  const HostPort parts = Split(text);
  const auto fail = [&] {
    return Fail("'" + std::string(text) +
                "' is no address; give IP, CIDR, IP:PORT, [IP6]:PORT, CIDR:PORT or :PORT");
  };
  if (!parts.port.empty()) {
    filter.port = ParsePort(parts.port);
    if (!filter.port) return fail();
  }
  if (!parts.host.empty()) {
    filter.network = event::ParseNetwork(parts.host);
    if (!filter.network) return fail();
  }
  if (!filter.port && !filter.network) return fail();
  return filter;
}

bool AddressMatch(const AddressFilter& filter, std::string_view object) {
  const HostPort parts = Split(object);
  const auto address = event::ParseAddress(parts.host);
  if (!address) return false;
  if (filter.network && !filter.network->Contains(*address)) return false;
  return !filter.port || ParsePort(parts.port) == filter.port;
}

}  // namespace nsw::store
