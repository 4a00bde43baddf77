// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/policy_reader.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "engine/rule/item_reader.h"
#include "engine/rule/keys.h"

namespace nsw::rule {
namespace {

constexpr std::array<std::string_view, 13> kPolicyKeys{
    "nswarden",       "policy", "description", "images",     "containers", "mode", "deny",
    "k8s_namespaces", "pods",   "labels",      "privileged", "host",       "rules"};
constexpr std::array<UnsupportedKey, 4> kUnsupportedInPolicies{
    UnsupportedKey{"allow", "list what is forbidden in deny:"},
    UnsupportedKey{"startup", "a policy holds from the container's first program on"},
    UnsupportedKey{"tests", "remove it"},
    UnsupportedKey{"override", "write the whole policy out in one file"}};

struct DenyClass {
  std::string_view key;
  nsw_class number;
  std::string_view what;  // key of an entry that is a map
};
constexpr std::array<DenyClass, 4> kDenyClasses{
    DenyClass{"exec", NSW_CLASS_EXEC, "path"}, DenyClass{"read", NSW_CLASS_READ, "path"},
    DenyClass{"write", NSW_CLASS_WRITE, "path"}, DenyClass{"connect", NSW_CLASS_CONNECT, "to"}};
constexpr std::array<std::string_view, 4> kDenyKeys{"exec", "read", "write", "connect"};
constexpr std::string_view kUseWrite = "use write, which includes it";
constexpr std::array<UnsupportedKey, 10> kUnsupportedInDeny{
    UnsupportedKey{"capabilities", "drop them in the runtime"},
    UnsupportedKey{"operations", ""},
    UnsupportedKey{"bind", ""},
    UnsupportedKey{"create", kUseWrite},
    UnsupportedKey{"delete", kUseWrite},
    UnsupportedKey{"rename", kUseWrite},
    UnsupportedKey{"chmod", kUseWrite},
    UnsupportedKey{"chown", kUseWrite},
    UnsupportedKey{"xattr", kUseWrite},
    UnsupportedKey{"link", kUseWrite}};
constexpr std::array<UnsupportedKey, 4> kUnsupportedInEntries{
    UnsupportedKey{"except", "list what is forbidden without it"},
    UnsupportedKey{"when", "an entry holds always"},
    UnsupportedKey{"by", "an entry holds whoever acts"},
    UnsupportedKey{"ancestor", "an entry holds whoever acts"}};

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
    if (const YamlNode* deny = map_.Find("deny")) ReadDeny(*deny);
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

  void ReadDeny(const YamlNode& deny) {
    if (!deny.is_map()) {
      diagnostics_.Error(deny.place(),
                         "deny needs a map, and has " + std::string(KindName(deny.kind)),
                         "write deny: {exec: [...], write: [...]}");
      return;
    }
    const MapReader map(deny, "deny", kDenyKeys, kUnsupportedInDeny, diagnostics_);
    for (const DenyClass& deny_class : kDenyClasses) {
      const YamlNode* entries = map.Find(deny_class.key);
      if (entries == nullptr) continue;
      if (entries->is_scalar()) {
        ReadEntry(*entries, deny_class);
      } else if (entries->is_sequence()) {
        for (const YamlNode* entry : entries->items) ReadEntry(*entry, deny_class);
      } else {
        diagnostics_.Error(entries->place(), std::string(deny_class.key) +
                                                 " needs a list, and has " +
                                                 std::string(KindName(entries->kind)));
      }
    }
  }

  void ReadEntry(const YamlNode& node, const DenyClass& deny_class) {
    DenyIr entry;
    entry.deny_class = deny_class.number;
    if (node.is_map()) {
      const std::array<std::string_view, 4> keys{deny_class.what, "priority", "tags", "output"};
      const MapReader map(node, "an entry of " + std::string(deny_class.key), keys,
                          kUnsupportedInEntries, diagnostics_);
      const auto what = map.Required(deny_class.what);
      entry.priority = map.ReadPriority("priority").value_or(Priority::kError);
      entry.tags = map.Tags();
      entry.output = map.Scalar("output");
      if (!what) return;
      entry.entry = *what;
    } else if (node.is_scalar() && !node.scalar.empty()) {
      entry.entry = node.scalar;
    } else {
      diagnostics_.Error(
          node.place(),
          "an entry of " + std::string(deny_class.key) + " is a text or a map, not " +
              (node.is_scalar() ? "an empty text" : std::string(KindName(node.kind))));
      return;
    }
    policy_.deny.push_back(std::move(entry));
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
    if (const YamlNode* deny = map_.Find("deny")) {
      diagnostics_.Error(deny->place(), "deny on the host is not supported yet",
                         "write rules: to be alerted");
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
