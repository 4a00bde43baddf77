// SPDX-License-Identifier: Apache-2.0
// Image references, by the rules of the distribution reference grammar as Docker applies them.
#include <algorithm>

#include "engine/container/container.h"

namespace nsw::container {
namespace {

constexpr std::string_view kRegistry = "docker.io/";
constexpr std::string_view kLibrary = "docker.io/library/";
constexpr std::string_view kSha256 = "sha256:";

bool IsHex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// 64 hex digits, with or without the algorithm: no name can look like that.
bool IsImageId(std::string_view reference) {
  if (reference.starts_with(kSha256)) reference.remove_prefix(kSha256.size());
  return reference.size() == 64 && IsHex(reference);
}

// The part before the first slash is a registry if it cannot be a user's name.
bool HasRegistry(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view first = name.substr(0, slash);
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos;
}

std::string Normalise(std::string_view name) {
  constexpr std::string_view kOldRegistry = "index.docker.io/";
  if (name.empty()) return "";
  if (name.starts_with(kOldRegistry)) name.remove_prefix(kOldRegistry.size());
  if (name.starts_with(kRegistry)) name.remove_prefix(kRegistry.size());
  if (HasRegistry(name)) return std::string(name);
  const bool official = name.find('/') == std::string_view::npos;
  return std::string(official ? kLibrary : kRegistry).append(name);
}

}  // namespace

Image ParseImage(std::string_view reference) {
  Image image;
  image.reference = reference;
  if (IsImageId(reference)) {
    image.digest = reference.starts_with(kSha256) ? "" : kSha256;
    image.digest += reference;
    return image;
  }
  std::string_view name = reference;
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    image.digest = name.substr(at + 1);
    name = name.substr(0, at);
  }
  const size_t slash = name.rfind('/');
  const size_t colon = name.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon != std::string_view::npos) {
    image.tag = name.substr(colon + 1);
    name = name.substr(0, colon);
  }
  image.repository = Normalise(name);
  return image;
}

std::string_view TagOf(const Image& image) {
  const bool bare = image.tag.empty() && image.reference.find('@') == std::string::npos;
  return bare && !image.repository.empty() ? std::string_view("latest") : image.tag;
}

std::string_view FamiliarName(std::string_view repository) {
  constexpr std::string_view kAliases[] = {"index.docker.io/library/", "index.docker.io/", kLibrary,
                                           kRegistry, "library/"};
  for (const std::string_view prefix : kAliases) {
    if (repository.starts_with(prefix)) return repository.substr(prefix.size());
  }
  return repository;
}

}  // namespace nsw::container
