// SPDX-License-Identifier: Apache-2.0
#include "engine/container/docker_json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "engine/container/facts.h"
#include "engine/container/json_scan.h"

namespace nsw::container::docker {
namespace {

// What this client was written and tried against; newer servers accept it, and those that do not
// any more say what they do accept.
constexpr std::string_view kOurApi = "1.41";
constexpr std::string_view kSha256 = "sha256:";
constexpr size_t kAddressTextMax = 64;

bool At(JsonPath path, std::initializer_list<std::string_view> keys) {
  return std::ranges::equal(path, keys);
}

bool IsVersion(std::string_view text) {
  const size_t dot = text.find('.');
  constexpr std::string_view kDigits = "0123456789";
  return dot != std::string_view::npos && dot >= 1 && dot <= 3 && text.size() - dot - 1 >= 1 &&
         text.size() - dot - 1 <= 3 &&
         text.substr(0, dot).find_first_not_of(kDigits) == std::string_view::npos &&
         text.substr(dot + 1).find_first_not_of(kDigits) == std::string_view::npos;
}

std::pair<int, int> VersionNumbers(std::string_view text) {
  std::pair<int, int> numbers{0, 0};
  const size_t dot = text.find('.');
  std::from_chars(text.data(), text.data() + dot, numbers.first);
  std::from_chars(text.data() + dot + 1, text.data() + text.size(), numbers.second);
  return numbers;
}

bool IsHex(std::string_view text) {
  return text.size() <= 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// A mount's source stands before its destination, everything else after it.
void TakeMount(const std::string& key, const JsonScalar& value, MountList& mounts) {
  if (key == "Source") mounts.next_source = value.text;
  if (key == "Destination") mounts.Add(std::exchange(mounts.next_source, {}), value.text);
  if (mounts.all.empty()) return;
  if (key == "Mode") mounts.all.back().mode = value.text;
  if (key == "RW") mounts.all.back().writable = value.number != 0;
  if (key == "Propagation") mounts.all.back().propagation = value.text;
}

// The first address: the default network's, or that of any other.
void TakeAddress(JsonPath path, std::string_view text, Container& container) {
  const bool address = path.size() >= 2 && path[0] == "NetworkSettings" &&
                       path.back() == "IPAddress" &&
                       (path.size() == 2 || (path.size() == 4 && path[1] == "Networks"));
  if (address && container.ip.empty()) container.ip = text.substr(0, kAddressTextMax);
}

void TakeInspected(JsonPath path, const JsonScalar& value, Inspected& out, MountList& mounts) {
  Container& container = out.container;
  TakeAddress(path, value.text, container);
  if (path.size() == 3 && path[0] == "Mounts") TakeMount(path[2], value, mounts);
  if (At(path, {"Id"})) {
    container.id = value.text;
  } else if (At(path, {"Name"})) {
    container.name = value.text.substr(value.text.starts_with('/') ? 1 : 0);
  } else if (At(path, {"Image"})) {
    out.image_id = value.text;
  } else if (At(path, {"Created"})) {
    container.created_ns = ParseTime(value.text);
  } else if (At(path, {"State", "StartedAt"})) {
    container.started_ns = ParseTime(value.text);
  } else if (At(path, {"State", "Pid"})) {
    const bool plausible = value.number > 0 && value.number <= std::numeric_limits<pid_t>::max();
    container.init_pid = plausible ? static_cast<pid_t>(value.number) : 0;
  } else if (At(path, {"HostConfig", "Privileged"})) {
    container.privileged = value.number != 0;
  } else if (At(path, {"Config", "Image"})) {
    container.image = ParseImage(value.text);
  } else if (path.size() == 3 && path[0] == "Config" && path[1] == "Labels" && !path[2].empty()) {
    container.labels[path[2]] = value.text;
  }
}

// The attributes of an event are the labels, and two that are not.
void TakeAttribute(const std::string& key, std::string_view value, Container& container) {
  if (key == "name") {
    container.name = value;
  } else if (key == "image") {
    container.image = ParseImage(value);
  } else {
    container.labels[key] = value;
  }
}

// A reference that is the beginning of the image's id, as `docker run 4f5c` has it.
bool IsIdPrefix(std::string_view reference, std::string_view image_id) {
  if (image_id.starts_with(kSha256)) image_id.remove_prefix(kSha256.size());
  return reference.size() >= 4 && image_id.starts_with(reference);
}

}  // namespace

bool IsId(std::string_view text) { return text.size() >= 12 && IsHex(text); }

bool IsImageId(std::string_view text) {
  if (text.starts_with(kSha256)) text.remove_prefix(kSha256.size());
  return text.size() >= 4 && IsHex(text);
}

bool IsBareImage(const Image& image) {
  return image.repository.empty() || IsImageId(image.reference);
}

Result<Version> ParseVersion(std::string_view text) {
  Version version;
  ScanJson(text, [&](JsonPath path, const JsonScalar& value) {
    if (At(path, {"Version"})) version.engine = Printable(value.text);
    if (At(path, {"ApiVersion"}) && IsVersion(value.text)) version.api = value.text;
    if (At(path, {"MinAPIVersion"}) && IsVersion(value.text)) version.api_minimum = value.text;
  });
  if (version.engine.empty() && version.api.empty()) return Fail("does not tell its version");
  return version;
}

std::string ChooseApi(const Version& server) {
  const auto ours = VersionNumbers(kOurApi);
  if (server.api.empty()) return "";
  if (VersionNumbers(server.api) < ours) return server.api;
  const bool too_old = !server.api_minimum.empty() && ours < VersionNumbers(server.api_minimum);
  return too_old ? server.api_minimum : std::string(kOurApi);
}

Result<Event> ParseEvent(std::string_view line) {
  constexpr std::array<std::string_view, 8> kChanged{"create", "start", "restart", "die",
                                                     "rename", "pause", "unpause", "update"};
  Event event;
  Container created;
  std::string action;
  const bool whole = ScanJson(line, [&](JsonPath path, const JsonScalar& value) {
    if (At(path, {"Action"})) action = value.text;
    if (At(path, {"Actor", "ID"})) event.id = value.text;
    if (path.size() == 3 && path[0] == "Actor" && path[1] == "Attributes") {
      TakeAttribute(path[2], value.text, created);
    }
  });
  if (!whole || action.empty()) return Fail("not an event");
  if (!IsId(event.id)) return Event{};
  if (std::ranges::find(kChanged, action) != kChanged.end())
    event.meaning = Event::Meaning::kChanged;
  // "remove" is podman's word.
  if (action == "destroy" || action == "remove") event.meaning = Event::Meaning::kGone;
  if (action == "create" && !created.name.empty()) {
    event.created = std::move(created);
    event.created.id = event.id;
    BoundLabels(event.created.labels);
    TakePod(event.created);
  }
  return event;
}

Result<Listing> ParseListing(std::string_view text) {
  if (!text.starts_with('[')) return Fail("not a list of containers");
  Listing listing;
  listing.complete = ScanJson(text, [&](JsonPath path, const JsonScalar& value) {
    // Id comes first in each; what has none, or comes before it, only spoils a mark.
    if (At(path, {"", "Id"})) {
      listing.items.push_back({std::string(value.text), ""});
    } else if (!listing.items.empty() && (At(path, {"", "Names", ""}) || At(path, {"", "State"}))) {
      listing.items.back().mark.append(value.text).push_back('\n');
    }
  });
  std::erase_if(listing.items, [](const Listing::Item& item) { return !IsId(item.id); });
  return listing;
}

Result<Inspected> ParseInspect(std::string_view text) {
  Inspected inspected;
  MountList mounts;
  ScanJson(text, [&](JsonPath path, const JsonScalar& value) {
    TakeInspected(path, value, inspected, mounts);
  });
  inspected.container.mounts = mounts.Text();
  if (!IsId(inspected.container.id)) return Fail("not a container");
  BoundLabels(inspected.container.labels);
  TakePod(inspected.container);
  return inspected;
}

ImageInfo ParseImageInfo(std::string_view text) {
  ImageInfo info;
  ScanJson(text, [&](JsonPath path, const JsonScalar& value) {
    if (At(path, {"Id"})) info.id = value.text;
    if (At(path, {"RepoTags", ""})) info.tags.emplace_back(value.text);
    if (At(path, {"RepoDigests", ""})) info.digests.emplace_back(value.text);
  });
  return info;
}

void CompleteImage(const ImageInfo& info, Image& image) {
  const auto named = [&](const std::string& tag) {
    return ParseImage(tag).repository == image.repository;
  };
  const bool bare = image.repository.empty() || (IsIdPrefix(image.reference, info.id) &&
                                                 std::ranges::none_of(info.tags, named));
  if (bare) {
    const auto& names = info.tags.empty() ? info.digests : info.tags;
    const Image first = names.empty() ? Image{} : ParseImage(names.front());
    image.repository = first.repository;
    image.tag = first.tag;
  }
  if (!image.digest.empty() && !bare) return;  // given at create
  image.digest = info.id;
  for (const std::string& name : info.digests) {
    const Image candidate = ParseImage(name);
    if (candidate.repository == image.repository) image.digest = candidate.digest;
  }
}

}  // namespace nsw::container::docker
