// SPDX-License-Identifier: Apache-2.0
// Paths of deny and allow entries.
#include <algorithm>
#include <optional>

#include "engine/rule/deny_entry.h"
#include "engine/rule/diagnostics.h"

namespace nsw::rule {
namespace {

constexpr size_t kNameMax = 255;
constexpr std::string_view kForms =
    "write a path, dir/**, dir/, **/name, **/*.suffix or one * component, as /proc/*/environ";

using Keys = std::vector<DenyKey>;

Keys Refuse(EntryError& error, size_t at, std::string message, std::string hint) {
  error = {at, std::move(message), std::move(hint)};
  return {};
}

DenyKey Key(DenyKind kind, std::string path, uint8_t hole = 0) {
  DenyKey key;
  key.kind = kind;
  key.path = std::move(path);
  key.hole = hole;
  return key;
}

// A path without "." and doubled slashes.
struct Normal {
  std::string path;
  size_t depth = 0;
  std::optional<uint8_t> hole;  // position of its component "*"
};

// Adds one component. False with `error` set where it cannot be one.
bool AddName(std::string_view name, size_t at, Normal& out, EntryError& error) {
  if (name.empty() || name == ".") return true;
  if (name == "..") {
    Refuse(error, at, "a path with .. means one thing to the reader and another to the kernel",
           "write the path itself");
    return false;
  }
  if (name.size() > kNameMax) {
    Refuse(error, at, "a name of more than 255 bytes, which no file can have", "");
    return false;
  }
  if (const size_t odd = name.find_first_of("*?"); odd != std::string_view::npos) {
    if (name != "*") {
      Refuse(error, at + odd,
             name == "**" ? "** can stand at the beginning or at the end alone"
                          : "a wildcard within a name cannot be held",
             std::string(kForms));
      return false;
    }
    if (out.hole) {
      Refuse(error, at, "a second * component", "a path can have one; dir/** is everything below");
      return false;
    }
    out.hole = static_cast<uint8_t>(std::min(out.depth, kDenyHoleDepthMax));
  }
  out.path.append("/").append(name);
  out.depth++;
  return true;
}

bool Normalise(std::string_view path, Normal& out, EntryError& error) {
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    if (!AddName(path.substr(at, slash - at), at, out, error)) return false;
    at = slash + 1;
  }
  if (out.path.empty()) out.path = "/";
  if (out.depth <= NSW_DEPTH_MAX && out.path.size() < NSW_TEXT_MAX) return true;
  Refuse(error, 0,
         "a path of more than " + std::to_string(NSW_DEPTH_MAX) + " components or 4095 bytes",
         "name a directory above it");
  return false;
}

// What stands behind "**/".
Keys ParseName(std::string_view name, EntryError& error) {
  const bool suffix = name.starts_with("*.");
  if (suffix) name.remove_prefix(1);
  const size_t begin = suffix ? 4 : 3;
  if (const size_t odd = name.find_first_of("*?/"); odd != std::string_view::npos)
    return Refuse(error, begin + odd, "after **/ stands one plain name, or *.suffix",
                  std::string(kForms));
  if (name.empty() || name == "." || name == ".." || name.size() > kNameMax)
    return Refuse(error, begin, "after **/ stands a name of 1 to 255 bytes", std::string(kForms));
  return {Key(suffix ? DenyKind::kSuffix : DenyKind::kName, std::string(name))};
}

Keys ParseAbsolute(std::string_view text, EntryError& error) {
  const bool below = text.ends_with("/**");
  const std::string_view body = below ? text.substr(0, text.size() - 3) : text;
  if (text.ends_with("/*")) {
    const std::string dir(text.substr(0, text.size() - 2));
    return Refuse(error, text.size() - 1, "* cannot be the last component",
                  "write " + dir + "/** for everything below");
  }
  Normal normal;
  if (!Normalise(body, normal, error)) return {};
  if (normal.hole && normal.depth > kDenyHoleDepthMax)
    return Refuse(error, 0, "a * component in a path of more than 32 components",
                  "name a directory above it");
  const DenyKind path = normal.hole ? DenyKind::kHolePath : DenyKind::kPath;
  const DenyKind under = normal.hole ? DenyKind::kHoleBelow : DenyKind::kBelow;
  const uint8_t hole = normal.hole.value_or(0);
  Keys keys;
  if (!below) keys.push_back(Key(path, normal.path, hole));
  if (below || text.ends_with('/')) keys.push_back(Key(under, normal.path, hole));
  return keys;
}

}  // namespace

std::vector<DenyKey> ParsePathEntry(std::string_view text, EntryError& error) {
  if (text.find('\0') != std::string_view::npos)
    return Refuse(error, text.find('\0'), "a path cannot hold a NUL", "");
  if (text.starts_with("**/")) return ParseName(text.substr(3), error);
  if (text.starts_with('/')) return ParseAbsolute(text, error);
  constexpr std::string_view kAbsolute = "a path is absolute, as the container sees it";
  if (text.empty() || text.starts_with('~') || text.find_first_of(":/*") != std::string_view::npos)
    return Refuse(error, 0, std::string(kAbsolute), "begin it with /");
  return Refuse(error, 0, std::string(kAbsolute),
                "begin it with /, or write **/" + std::string(text));
}

std::vector<DenyKey> ParseExecEntry(std::string_view text, EntryError& error) {
  constexpr std::string_view kPrefix = "origin:";
  if (!text.starts_with(kPrefix)) return ParsePathEntry(text, error);
  static constexpr std::string_view kOrigins[] = {
#define ORIGIN(NAME, name, ...) #name,
#include "bpf/deny.def"
  };
  const std::string_view name = text.substr(kPrefix.size());
  const auto found = std::ranges::find(kOrigins, name);
  if (found == std::end(kOrigins))
    return Refuse(error, kPrefix.size(), Quoted(name) + " is not where a file can come from",
                  DidYouMean(name, kOrigins));
  DenyKey key;
  key.kind = DenyKind::kOrigin;
  key.number = static_cast<uint32_t>(found - std::begin(kOrigins));
  return {key};
}

}  // namespace nsw::rule
