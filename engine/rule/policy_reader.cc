// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/policy_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "engine/rule/item_reader.h"
#include "engine/rule/keys.h"
#include "engine/rule/list_reader.h"

namespace nsw::rule {
namespace {

constexpr std::array<std::string_view, 16> kPolicyKeys{
    "nswarden", "policy", "description", "images", "containers", "k8s_namespaces",
    "pods",     "labels", "privileged",  "host",   "mode",       "startup",
    "fallback", "allow",  "deny",        "rules"};
constexpr std::array<UnsupportedKey, 2> kUnsupportedInPolicies{
    UnsupportedKey{"tests", "remove it"},
    UnsupportedKey{"override", "write the whole policy out in one file"}};

bool IsName(std::string_view name) {
  const auto good = [](char c) {
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, good);
}

class PolicyReader {
 public:
  PolicyReader(const YamlNode& root, PolicyIr& policy, Diagnostics& diagnostics)
      : map_(root, "a policy", kPolicyKeys, kUnsupportedInPolicies, diagnostics),
        policy_(policy),
        diagnostics_(diagnostics) {}

  void Read() {
    ReadVersion();
    ReadName();
    if (const auto description = map_.Scalar("description"))
      policy_.description = description->value;
    ReadMode();
    ReadSelector();
    ReadStartup();
    ReadFallback();
    ReadAllLists();
    ReadRules();
    CheckHost();
  }

 private:
  void ReadVersion() {
    const auto version = map_.Required("nswarden");
    if (version && version->value != "1") {
      diagnostics_.Error(version->place,
                         "this version of nswarden does not know format " + Quoted(version->value),
                         "write nswarden: 1");
    }
  }

  void ReadName() {
    const auto name = map_.Required("policy");
    if (!name) return;
    policy_.name = *name;
    if (!IsName(name->value)) {
      diagnostics_.Error(name->place, Quoted(name->value) + " cannot be a policy's name",
                         "use letters, digits, . _ and -, 128 at most");
    }
  }

  void ReadMode() {
    static constexpr std::array<std::string_view, 3> kModes{"audit", "enforce", "off"};
    const auto mode = map_.Scalar("mode");
    if (!mode) return;
    const auto found = std::ranges::find(kModes, mode->value);
    if (found != kModes.end()) {
      policy_.mode = static_cast<Mode>(found - kModes.begin());
    } else {
      diagnostics_.Error(mode->place, Quoted(mode->value) + " is not a mode",
                         DidYouMean(mode->value, kModes));
    }
  }

  // An empty list would select nothing, or everything: nobody can tell, so it is a mistake.
  std::vector<Text> Selector(std::string_view key) {
    std::vector<Text> texts = map_.Scalars(key);
    const YamlNode* value = map_.Find(key);
    if (value != nullptr && value->is_sequence() && value->items.empty()) {
      diagnostics_.Error(value->place(), std::string(key) + " is empty",
                         "remove it to mean every container");
    }
    return texts;
  }

  void ReadSelector() {
    SelectorIr& selector = policy_.selector;
    selector.images = Selector("images");
    selector.containers = Selector("containers");
    selector.k8s_namespaces = Selector("k8s_namespaces");
    selector.pods = Selector("pods");
    selector.privileged = map_.Bool("privileged");
    const YamlNode* labels = map_.Find("labels");
    if (labels == nullptr) return;
    if (!labels->is_map()) {
      selector.labels = Selector("labels");
      return;
    }
    selector.all_labels = true;
    if (labels->entries.empty())
      diagnostics_.Error(labels->place(), "labels is empty", "remove it to mean every container");
    for (const auto& [key, value] : labels->entries) {
      if (!value->is_scalar()) {
        diagnostics_.Error(
            value->place(),
            "the value of a label is a single value, not " + std::string(KindName(value->kind)),
            "quote it, if it is a number or true");
        continue;
      }
      Text label = key->scalar;
      label.value += "=" + value->scalar.value;
      selector.labels.push_back(std::move(label));
    }
  }

  void ReadAllLists() {
    if (const YamlNode* allow = map_.Find("allow")) ReadLists(*allow, true, policy_, diagnostics_);
    if (const YamlNode* deny = map_.Find("deny")) ReadLists(*deny, false, policy_, diagnostics_);
  }

  void ReadStartup() {
    static constexpr std::array<std::string_view, 1> kStartupKeys{"until"};
    static constexpr std::array<std::string_view, 1> kUntilKeys{"exec"};
    const YamlNode* startup = map_.Find("startup");
    if (startup == nullptr) return;
    const auto descend = [&](const YamlNode* node, std::string_view what) {
      if (node != nullptr && node->is_map()) return true;
      diagnostics_.Error(node == nullptr ? startup->place() : node->place(),
                         std::string(what) + " needs a map",
                         "write startup: {until: {exec: /path/of/the/program}}");
      return false;
    };
    if (!descend(startup, "startup")) return;
    const MapReader map(*startup, "startup", kStartupKeys, {}, diagnostics_);
    const YamlNode* until = map.Find("until");
    if (!descend(until, "until")) return;
    const MapReader what(*until, "until", kUntilKeys, {}, diagnostics_);
    policy_.until = what.Scalars("exec");
    if (policy_.until.empty())
      diagnostics_.Error(until->place(), "until needs exec: the program that ends the startup");
  }

  void ReadFallback() {
    const auto fallback = map_.Scalar("fallback");
    if (!fallback) return;
    policy_.fallback_kill = fallback->value == "kill";
    if (!policy_.fallback_kill)
      diagnostics_.Error(fallback->place, Quoted(fallback->value) + " is not a fallback",
                         "write fallback: kill, or leave it out to be told only");
  }

  void ReadRules() {
    const YamlNode* rules = map_.Find("rules");
    if (rules == nullptr || rules->is_null()) return;
    if (rules->is_sequence()) {
      ReadItems(*rules, false, policy_.items, diagnostics_);
    } else {
      diagnostics_.Error(rules->place(),
                         "rules needs a list, and has " + std::string(KindName(rules->kind)));
    }
  }

  void CheckHost() {
    policy_.host = map_.Bool("host").value_or(false);
    if (!policy_.host) return;
    for (const std::string_view key :
         {"images", "containers", "k8s_namespaces", "pods", "labels", "privileged"}) {
      if (const YamlNode* value = map_.Find(key)) {
        diagnostics_.Error(
            value->place(),
            std::string(key) + " selects containers, and host: true the host's own processes",
            "write two policies");
      }
    }
    if (const YamlNode* startup = map_.Find("startup")) {
      diagnostics_.Error(startup->place(),
                         "startup is a container's, and host: true means the host's own processes",
                         "remove it");
    }
  }

  MapReader map_;
  PolicyIr& policy_;
  Diagnostics& diagnostics_;
};

void ReadFalco(const Source& source, const YamlNode& root, PolicyIr& policy,
               Diagnostics& diagnostics) {
  policy.falco = true;
  policy.name = Text{std::filesystem::path(source.name()).stem().string(), root.place()};
  policy.description = "Falco rules";
  ReadItems(root, true, policy.items, diagnostics);
}

}  // namespace

bool ReadPolicy(const Source& source, const YamlDocument& document, PolicyIr& policy,
                Diagnostics& diagnostics) {
  policy.source = &source;
  const YamlNode* root = document.root;
  if (root == nullptr || root->is_null()) {
    diagnostics.FileWarning(source.name(), "the file is empty: there is no policy in it");
    return false;
  }
  if (root->is_sequence()) {
    ReadFalco(source, *root, policy, diagnostics);
    return true;
  }
  if (!root->is_map()) {
    diagnostics.Error(
        root->place(),
        "a policy is a map, or a list of Falco rules, not " + std::string(KindName(root->kind)),
        "begin with nswarden: 1");
    return false;
  }
  PolicyReader(*root, policy, diagnostics).Read();
  return true;
}

}  // namespace nsw::rule
