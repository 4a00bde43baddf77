// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/selector.h"

#include <algorithm>

#include "engine/rule/glob.h"

namespace nsw::rule {
namespace {

bool Glob(std::string_view pattern, std::string_view text) {
  return GlobMatch(pattern, text, GlobStyle::kSimple);
}

bool HasWildcard(std::string_view text) {
  return text.find_first_of("*?") != std::string_view::npos;
}

std::vector<std::string> Values(const std::vector<Text>& texts) {
  std::vector<std::string> values;
  for (const Text& text : texts) values.push_back(text.value);
  return values;
}

// Nothing given selects all; what is absent is selected by no pattern.
bool AnyMatches(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() || (!text.empty() && std::ranges::any_of(patterns, [&](const auto& p) {
           return Glob(p, text);
         }));
}

constexpr std::string_view kWild = "*?";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

// Whether all of `text` is of these, wildcards aside.
bool IsOf(std::string_view text, std::initializer_list<std::string_view> alphabets) {
  return std::ranges::all_of(text, [&](char c) {
    return kWild.find(c) != kWild.npos ||
           std::ranges::any_of(alphabets, [&](auto a) { return a.find(c) != a.npos; });
  });
}

bool IsDigest(std::string_view text) {
  constexpr std::string_view kAlgorithm = "sha256:";
  if (!text.starts_with(kAlgorithm)) return false;
  text.remove_prefix(kAlgorithm.size());
  const bool whole = HasWildcard(text) ? text.size() <= 64 : text.size() == 64;
  return whole && IsOf(text, {kDigits, "abcdef"});
}

bool IsTag(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text[0] != '.' && text[0] != '-' &&
         IsOf(text, {kLower, kUpper, kDigits, "_.-"});
}

// A registry is a host's name; what follows has no capital letters, and no component is empty.
bool IsRepository(std::string_view name) {
  const size_t slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  if (slash != name.npos && (first == "localhost" || first.find_first_of(".:") != first.npos))
    name.remove_prefix(slash + 1);
  return !name.empty() && !name.starts_with('/') && !name.ends_with('/') &&
         name.find("//") == name.npos && IsOf(name, {kLower, kDigits, "._-/"});
}

}  // namespace

Selector::Selector(const SelectorIr& ir, Diagnostics& diagnostics)
    : containers_(Values(ir.containers)),
      namespaces_(Values(ir.k8s_namespaces)),
      pods_(Values(ir.pods)),
      all_labels_(ir.all_labels),
      privileged_(ir.privileged) {
  for (const Text& image : ir.images) AddImage(image, diagnostics);
  for (const Text& label : ir.labels) {
    const size_t equals = label.value.find('=');
    LabelPattern pattern{label.value.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) pattern.value = label.value.substr(equals + 1);
    if (pattern.key.empty())
      diagnostics.Error(label.place, "a label needs a key", "write key=value");
    labels_.push_back(std::move(pattern));
  }
}

void Selector::AddImage(const Text& text, Diagnostics& diagnostics) {
  ImagePattern pattern;
  std::string_view name = text.value;
  if (const size_t at = name.find('@'); at != std::string_view::npos) {
    pattern.digest = name.substr(at + 1);
    name = name.substr(0, at);
    if (!IsDigest(pattern.digest)) {
      diagnostics.Error(text.At(at + 1), Quoted(pattern.digest) + " is not a digest",
                        "write @sha256: and 64 hex digits");
    }
  }
  if (name.find_first_of(" \t\n") != std::string_view::npos) {
    diagnostics.Error(text.place, Quoted(name) + " is not an image",
                      "write one image for each entry of the list");
  } else if (!name.empty() || pattern.digest.empty()) {
    const container::Image image = container::ParseImage(name);
    const bool tagged = !image.tag.empty() || name.ends_with(':');
    pattern.repository = image.repository;
    pattern.tag = image.tag;
    pattern.written = name.substr(0, name.size() - image.tag.size() - (tagged ? 1 : 0));
    const bool id = !image.digest.empty();
    if (id) pattern.digest = image.digest;
    if (!id && !IsRepository(pattern.written)) {
      diagnostics.Error(text.place, Quoted(name) + " is not an image",
                        "write NAME, NAME:TAG or NAME@sha256:DIGEST; a name is in lower case");
    } else if (tagged && !IsTag(image.tag)) {
      diagnostics.Error(text.At(name.size() - image.tag.size()),
                        Quoted(image.tag) + " is not a tag", "leave it out for any tag");
    }
    pattern.wild = HasWildcard(name.substr(0, name.find('/')));
  }
  images_.push_back(std::move(pattern));
}

bool Selector::ImagePattern::Matches(const container::Image& image) const {
  const bool known = !image.repository.empty();
  const bool named =
      repository.empty() ||
      (known && (Glob(repository, image.repository) || (wild && Glob(written, image.repository))));
  return named && (tag.empty() || Glob(tag, container::TagOf(image))) &&
         (digest.empty() || Glob(digest, image.digest));
}

bool Selector::Matches(const container::Container& container) const {
  const auto image = [&](const ImagePattern& pattern) { return pattern.Matches(container.image); };
  const auto label = [&](const LabelPattern& pattern) {
    return std::ranges::any_of(container.labels, [&](const auto& l) {
      return Glob(pattern.key, l.first) && (!pattern.value || Glob(*pattern.value, l.second));
    });
  };
  if (!images_.empty() && !std::ranges::any_of(images_, image)) return false;
  const bool labelled = all_labels_ ? std::ranges::all_of(labels_, label)
                                    : labels_.empty() || std::ranges::any_of(labels_, label);
  if (!labelled) return false;
  if (privileged_ && *privileged_ != container.privileged) return false;
  return AnyMatches(containers_, container.name) &&
         AnyMatches(namespaces_, container.k8s_namespace) && AnyMatches(pods_, container.k8s_pod);
}

}  // namespace nsw::rule
