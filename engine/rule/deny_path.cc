// SPDX-License-Identifier: Apache-2.0
// Paths of deny entries.
#include <algorithm>

#include "engine/rule/deny_entry.h"

namespace nsw::rule {
namespace {

constexpr size_t kNameMax = 255;
constexpr std::string_view kForms = "write a path, dir/**, dir/ or **/name";

using Entries = std::vector<DenyEntry>;

Entries Refuse(EntryError& error, size_t at, std::string message, std::string hint) {
  error = {at, std::move(message), std::move(hint)};
  return {};
}

DenyEntry Entry(DenyKind kind, nsw_class deny_class, std::string path) {
  DenyEntry entry;
  entry.kind = kind;
  entry.classes = 1U << deny_class;
  entry.path = std::move(path);
  return entry;
}

// Takes "." and doubled slashes out. False with `error` set where the path cannot be held.
bool Normalise(std::string_view path, std::string& out, EntryError& error) {
  size_t depth = 0;
  for (size_t at = 0; at < path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, slash - at);
    if (name == "..") {
      Refuse(error, at, "a path with .. means one thing to the reader and another to the kernel",
             "write the path itself");
      return false;
    }
    if (name.size() > kNameMax) {
      Refuse(error, at, "a name of more than 255 bytes, which no file can have", "");
      return false;
    }
    if (!name.empty() && name != ".") {
      out.append("/").append(name);
      depth++;
    }
    at = slash + 1;
  }
  if (out.empty()) out = "/";
  if (depth <= NSW_DEPTH_MAX && out.size() < NSW_TEXT_MAX) return true;
  Refuse(error, 0,
         "a path of more than " + std::to_string(NSW_DEPTH_MAX) + " components or 4095 bytes",
         "deny a directory above it");
  return false;
}

Entries ParseName(std::string_view name, nsw_class deny_class, EntryError& error) {
  if (name.starts_with("*.") && name.find_first_of("*?[/", 1) == std::string_view::npos) {
    return Refuse(error, 3, "**/*.suffix is not supported yet", std::string(kForms));
  }
  const size_t odd = name.find_first_of("*?[/");
  if (odd != std::string_view::npos) {
    return Refuse(error, 3 + odd, "after **/ stands one plain name", std::string(kForms));
  }
  if (name.empty() || name == "." || name == ".." || name.size() > kNameMax) {
    return Refuse(error, 3, "after **/ stands a name of 1 to 255 bytes", std::string(kForms));
  }
  return {Entry(DenyKind::kName, deny_class, std::string(name))};
}

}  // namespace

std::vector<DenyEntry> ParsePathEntry(std::string_view text, nsw_class deny_class,
                                      EntryError& error) {
  if (text.find('\0') != std::string_view::npos)
    return Refuse(error, text.find('\0'), "a path cannot hold a NUL", "");
  if (text.starts_with("**/")) return ParseName(text.substr(3), deny_class, error);
  if (text.starts_with("unix:") || text.starts_with("~")) {
    return Refuse(error, 0, "a path is absolute, as the container sees it", "begin it with /");
  }
  if (!text.starts_with('/'))
    return Refuse(error, 0, "a path is absolute, as the container sees it",
                  "begin it with /, or write **/" + std::string(text));
  const bool below = text.ends_with("/**");
  const std::string_view body = below ? text.substr(0, text.size() - 3) : text;
  const size_t odd = body.find_first_of("*?");
  if (odd != std::string_view::npos) {
    const std::string_view tail = body.substr(odd);
    const bool middle = tail.starts_with("*/") && body[odd - 1] == '/' &&
                        tail.find_first_of("*?", 1) == std::string_view::npos;
    return Refuse(
        error, odd,
        middle ? "* in the middle of a path is not supported yet" : "* and ? cannot stand here",
        std::string(kForms));
  }
  std::string path;
  if (!Normalise(body, path, error)) return {};
  if (below) return {Entry(DenyKind::kBelow, deny_class, path)};
  Entries entries{Entry(DenyKind::kPath, deny_class, path)};
  if (text.ends_with('/')) entries.push_back(Entry(DenyKind::kBelow, deny_class, path));
  return entries;
}

}  // namespace nsw::rule
