// SPDX-License-Identifier: Apache-2.0
#include "engine/rule/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace nsw::rule {
namespace {

// Leaves the parser; never leaves ReadYaml.
struct Refused : std::runtime_error {
  Refused(size_t offset, const std::string& what, std::string hint_text = {})
      : std::runtime_error(what), at(offset), hint(std::move(hint_text)) {}
  size_t at;
  std::string hint;
};

class Builder final : public YAML::EventHandler {
 public:
  Builder(const Source& source, YamlDocument& out, const YamlLimits& limits)
      : source_(source), out_(out), limits_(limits) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Finish(New(YamlNode::Kind::kNull, mark), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckTag(mark, tag);
    YamlNode& node = New(YamlNode::Kind::kScalar, mark);
    node.scalar.value = value;
    node.scalar.plain = tag == "?";
    Finish(node, anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Refused(Offset(mark), "an alias stands inside what it names");
    Attach(*found->second, Offset(mark));
  }

 private:
  struct Level {
    YamlNode* node;
    YAML::anchor_t anchor;
    const YamlNode* key = nullptr;  // of a map: read, its value not yet
    std::unordered_set<std::string> keys = {};
  };

  static size_t Offset(const YAML::Mark& mark) {
    return static_cast<size_t>(std::max(mark.pos, 0));
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    static constexpr std::string_view kPlain = "tag:yaml.org,2002:";
    if (tag.empty() || tag == "?" || tag == "!" || tag == std::string(kPlain) + "str" ||
        tag == std::string(kPlain) + "seq" || tag == std::string(kPlain) + "map") {
      return;
    }
    throw Refused(Offset(mark), "the YAML tag " + Quoted(tag) + " is not supported",
                  "write plain values");
  }

  YamlNode& New(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (out_.nodes.size() >= limits_.nodes) {
      throw Refused(Offset(mark),
                    "the file has more than " + std::to_string(limits_.nodes) + " values");
    }
    YamlNode& node = out_.nodes.emplace_back();
    node.kind = kind;
    node.scalar.place = {&source_, Offset(mark)};
    return node;
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor) {
    CheckTag(mark, tag);
    if (levels_.size() >= limits_.depth) {
      throw Refused(Offset(mark),
                    "nested deeper than " + std::to_string(limits_.depth) + " levels");
    }
    levels_.push_back({&New(kind, mark), anchor});
  }

  void Close() {
    const Level level = std::move(levels_.back());
    levels_.pop_back();
    Finish(*level.node, level.anchor);
  }

  void Finish(YamlNode& node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = &node;
    Attach(node, node.place().offset);
  }

  void Attach(const YamlNode& node, size_t offset) {
    if (levels_.empty()) {
      out_.root = &node;
      return;
    }
    Level& level = levels_.back();
    level.node->weight += node.weight;
    if (level.node->weight > limits_.nodes) {
      throw Refused(
          offset, "aliases make the file grow beyond " + std::to_string(limits_.nodes) + " values");
    }
    if (level.node->is_sequence()) {
      level.node->items.push_back(&node);
    } else if (level.key == nullptr) {
      TakeKey(level, node, offset);
    } else {
      level.node->entries.emplace_back(std::exchange(level.key, nullptr), &node);
    }
  }

  static void TakeKey(Level& level, const YamlNode& node, size_t offset) {
    if (!node.is_scalar()) throw Refused(offset, "a key must be a single word");
    if (!level.keys.insert(node.scalar.value).second) {
      throw Refused(offset, "the key " + Quoted(node.scalar.value) + " is there twice",
                    "keep one of them");
    }
    level.key = &node;
  }

  const Source& source_;
  YamlDocument& out_;
  const YamlLimits& limits_;
  std::vector<Level> levels_;
  std::unordered_map<YAML::anchor_t, const YamlNode*> anchors_;
};

size_t OffsetOf(const Source& source, const YAML::Mark& mark) {
  return std::min(static_cast<size_t>(std::max(mark.pos, 0)), source.text().size());
}

}  // namespace

// yaml-cpp stops at the first mistake of syntax, and so does this.
bool ReadYaml(const Source& source, YamlDocument& out, Diagnostics& diagnostics,
              const YamlLimits& limits) {
  std::istringstream stream{std::string(source.text())};
  try {
    YAML::Parser parser(stream);
    Builder builder(source, out, limits);
    if (!parser.HandleNextDocument(builder)) return true;
    YamlDocument rest;
    Builder second(source, rest, limits);
    if (!parser.HandleNextDocument(second) || rest.root == nullptr || rest.root->is_null())
      return true;
    diagnostics.Error(rest.root->place(), "a second YAML document begins here",
                      "a file holds one policy");
  } catch (const Refused& refused) {
    diagnostics.Error({&source, refused.at}, refused.what(), refused.hint);
  } catch (const YAML::Exception& exception) {
    diagnostics.Error(
        {&source, OffsetOf(source, exception.mark)}, "not valid YAML: " + exception.msg,
        "check the indentation, and quote values that hold : # { } [ ] , & * ! | > ' \" % @");
  } catch (const std::exception& exception) {
    diagnostics.Error({&source, 0}, std::string("not valid YAML: ") + exception.what());
  }
  return false;
}

}  // namespace nsw::rule
