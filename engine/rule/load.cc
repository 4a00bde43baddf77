// SPDX-License-Identifier: Apache-2.0
// Loading, from files to a policy set: list, read, parse, compile. All or nothing.
#include <list>

#include "engine/rule/compiler.h"
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

  void AddFile(const std::filesystem::path& path, bool check_owner) {
    at_ = path.string();
    diagnostics_.Begin(at_);
    auto text = ReadPolicyFile(path, check_owner, diagnostics_);
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

}  // namespace

Loaded LoadPolicies(const std::vector<std::filesystem::path>& paths, const LoadOptions& options) {
  Loader loader;
  return loader.Load([&] {
    for (const auto& path : ListPolicyFiles(paths, options.check_owner, loader.diagnostics())) {
      loader.AddFile(path, options.check_owner);
    }
  });
}

Loaded LoadPolicyText(const std::string& text, const std::string& name) {
  Loader loader;
  return loader.Load([&] { loader.AddText(name, text); });
}

Result<std::pair<RuleInfo, std::vector<DenyEntry>>> ParseDenyEntry(std::string_view deny_class,
                                                                   std::string_view entry) {
  for (const nsw_class number :
       {NSW_CLASS_EXEC, NSW_CLASS_READ, NSW_CLASS_WRITE, NSW_CLASS_CONNECT}) {
    if (ClassName(number) != deny_class) continue;
    EntryError error;
    std::vector<DenyEntry> entries = ParseEntry(entry, number, error);
    if (entries.empty()) return Fail(error.message + (error.hint.empty() ? "" : "; " + error.hint));
    RuleInfo info = DenyRuleInfo("run-time", number, std::string(entry));
    info.mode = Mode::kEnforce;
    for (DenyEntry& one : entries) {
      one.rule = info.id;
      one.mode = NSW_VERDICT_DENIED;
    }
    return std::make_pair(std::move(info), std::move(entries));
  }
  return Fail(Quoted(deny_class) + " is not a class of deny; known are exec, read, write, connect");
}

}  // namespace nsw::rule
