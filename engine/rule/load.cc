// SPDX-License-Identifier: Apache-2.0
// Loading, from files to a policy set: list, read, parse, compile. All or nothing.
#include <algorithm>
#include <list>

#include "engine/event/address.h"
#include "engine/rule/compiler.h"
#include "engine/rule/deny_act.h"
#include "engine/rule/deny_entry.h"
#include "engine/rule/diagnostics.h"
#include "engine/rule/policy_file.h"
#include "engine/rule/policy_reader.h"
#include "engine/rule/policy_set.h"
#include "engine/rule/yaml_reader.h"

namespace nsw::rule {
namespace {

class Loader {
 public:
  /// Adds what `add` adds, and compiles all. What is thrown, want of memory most likely, is a
  /// mistake like others: whoever loads must outlive any file.
  template <typename Add>
  Loaded Load(Add&& add) {
    try {
      add();
      return Finish();
    } catch (const std::exception& thrown) {
      sources_.clear();
      policies_.clear();
      diagnostics_.FileError(at_, std::string("cannot be loaded: ") + thrown.what());
      return {nullptr, diagnostics_.Take()};
    }
  }

  void AddFile(const std::filesystem::path& path, const LoadOptions& options) {
    at_ = path.string();
    diagnostics_.Begin(at_);
    auto text = ReadPolicyFile(path, options, diagnostics_);
    if (text) AddText(path.string(), std::move(*text));
  }

  void AddText(const std::string& name, std::string text) {
    at_ = name;
    std::string hash = Sha256(text);
    if (!CheckEncoding(name, text, diagnostics_)) return;
    const Source& source = sources_.emplace_back(name, std::move(text));
    YamlDocument document;
    if (!ReadYaml(source, document, diagnostics_)) return;
    PolicyIr policy;
    policy.sha256 = std::move(hash);
    if (ReadPolicy(source, document, policy, diagnostics_)) policies_.push_back(std::move(policy));
  }

  Diagnostics& diagnostics() { return diagnostics_; }

 private:
  Loaded Finish() {
    std::vector<CompiledPolicy> compiled = CompilePolicies(policies_, diagnostics_);
    Loaded loaded;
    if (diagnostics_.errors() == 0) loaded.set = MakePolicySet(std::move(compiled));
    loaded.diagnostics = diagnostics_.Take();
    return loaded;
  }

  std::string at_ = "policies";  // what is being loaded
  Diagnostics diagnostics_;
  std::list<Source> sources_;  // the IR points into them
  std::vector<PolicyIr> policies_;
};

std::pair<RuleInfo, DenyEntry> RunTimeEntry(const ListKey& list, const std::string& text,
                                            std::vector<DenyKey> keys) {
  RuleInfo info = DenyRuleInfo("run-time", list, text);
  info.mode = Mode::kEnforce;
  DenyEntry entry;
  entry.rule = info.id;
  entry.classes = list.classes;
  entry.mode = NSW_VERDICT_DENIED;
  entry.keys = std::move(keys);
  return {std::move(info), std::move(entry)};
}

// The list that is about what was asked for; of a file every change.
std::string_view ListOf(uint32_t classes) {
  if ((classes & kWriteClasses) != 0) return "write";
  for (const ListKey& list : ListKeys()) {
    if ((classes & list.classes) != 0) return list.name;
  }
  return "write";
}

}  // namespace

Loaded LoadPolicies(const std::vector<std::filesystem::path>& paths, const LoadOptions& options) {
  Loader loader;
  return loader.Load([&] {
    for (const auto& path : ListPolicyFiles(paths, options, loader.diagnostics())) {
      loader.AddFile(path, options);
    }
  });
}

Loaded LoadPolicyText(const std::string& text, const std::string& name) {
  Loader loader;
  return loader.Load([&] { loader.AddText(name, text); });
}

Result<std::pair<RuleInfo, DenyEntry>> ParseDenyEntry(std::string_view deny_class,
                                                      std::string_view entry) {
  const ListKey* list = FindListKey(deny_class);
  if (list == nullptr) {
    return Fail(Quoted(deny_class) + " is not a class of deny; " +
                DidYouMean(deny_class, ListKeyNames()));
  }
  EntryError error;
  std::vector<DenyKey> keys = list->parse(entry, error);
  if (keys.empty()) return Fail(error.message + (error.hint.empty() ? "" : "; " + error.hint));
  return RunTimeEntry(*list, std::string(entry), std::move(keys));
}

Result<std::pair<RuleInfo, DenyEntry>> DenyEntryFor(const event::Event& event) {
  const DenyActs acts(event);
  if (acts.acts().empty())
    return Fail(std::string(event.type_name()) + " has no object that could be refused");
  const DenyAct& act = acts.acts()[0];
  DenyKey key;
  std::string text(act.path);
  key.path = act.path;
  if (!act.abstract.empty()) {
    key.kind = DenyKind::kAbstract;
    key.path = act.abstract;
    text = "unix:@" + key.path;
  } else if (act.address != nullptr) {
    key.kind = DenyKind::kNet;
    std::ranges::copy(act.address->b, key.net.address.begin());
    key.net.prefix = 128;
    text = event::AddressText(*act.address);
  } else if (act.path.empty()) {
    return Fail(std::string(event.type_name()) + " has no file or address that could be refused");
  } else if ((act.classes & kNetworkClasses) != 0) {
    text = "unix:" + text;
  }
  return RunTimeEntry(*FindListKey(ListOf(act.classes)), text, {key});
}

}  // namespace nsw::rule
