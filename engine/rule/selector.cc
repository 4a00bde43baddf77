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

// Nothing given selects all.
bool AnyMatches(const std::vector<std::string>& patterns, std::string_view text) {
  return patterns.empty() ||
         std::ranges::any_of(patterns, [&](const auto& p) { return Glob(p, text); });
}

// A reference without tag and digest means "latest".
std::string_view TagOf(const container::Image& image) {
  const bool bare = image.tag.empty() && image.reference.find('@') == std::string::npos;
  return bare ? std::string_view("latest") : std::string_view(image.tag);
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
    if (!pattern.digest.starts_with("sha256:")) {
      diagnostics.Error(text.At(at + 1), Quoted(pattern.digest) + " is not a digest",
                        "write @sha256: and 64 hex digits");
    }
  }
  if (name.find_first_of(" \t\n") != std::string_view::npos) {
    diagnostics.Error(text.place, Quoted(name) + " is not an image",
                      "write one image for each entry of the list");
  }
  if (!name.empty()) {
    const container::Image image = container::ParseImage(name);
    pattern.repository = image.repository;
    pattern.tag = image.tag;
    const size_t tail = image.tag.empty() ? 0 : image.tag.size() + 1;
    pattern.written = name.substr(0, name.size() - tail);
    pattern.wild = HasWildcard(name.substr(0, name.find('/')));
  }
  images_.push_back(std::move(pattern));
}

bool Selector::ImagePattern::Matches(const container::Image& image) const {
  if (image.repository.empty()) return false;  // not known
  const bool named = repository.empty() || Glob(repository, image.repository) ||
                     (wild && Glob(written, image.repository));
  return named && (tag.empty() || Glob(tag, TagOf(image))) &&
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
