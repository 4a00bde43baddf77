// SPDX-License-Identifier: Apache-2.0
#include "engine/config.h"

#include <sys/un.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <set>

#include "engine/alert/webhook_url.h"
#include "engine/base/text.h"

namespace nsw {
namespace {

// Collects the mistakes of a file.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  void Complain(const YAML::Mark& at, const std::string& what) {
    if (!mistakes_.empty()) mistakes_ += '\n';
    mistakes_ += file_ + ':' + std::to_string(at.line + 1) + ':' + std::to_string(at.column + 1) +
                 ": " + what;
  }
  [[nodiscard]] const std::string& mistakes() const { return mistakes_; }

 private:
  std::string file_;
  std::string mistakes_;
};

using Setter = std::function<Status(const YAML::Node&, Config&)>;

Result<std::string> Text(const YAML::Node& node) {
  if (!node.IsScalar()) return Fail("must be a text");
  return node.Scalar();
}

// A key whose text is parsed by `parse` into `member`.
template <typename T, typename Parse>
Setter Parsed(T Config::*member, Parse parse) {
  return [member, parse](const YAML::Node& node, Config& config) -> Status {
    auto text = Text(node);
    if (!text) return tl::unexpected(text.error());
    auto value = parse(*text);
    if (!value) return tl::unexpected(value.error());
    config.*member = static_cast<T>(*value);
    return {};
  };
}

// Where a daemon is started is nothing to build on.
Result<std::string> ParsePathOrNone(const std::string& text) {
  if (text.empty() || text.starts_with('/')) return text;
  return Fail("must be an absolute path, or \"\"");
}

Setter Runtime(std::string container::Runtimes::*member) {
  return [member](const YAML::Node& node, Config& config) -> Status {
    auto text = Text(node);
    if (!text) return tl::unexpected(text.error());
    auto path = ParsePathOrNone(*text);
    if (!path) return tl::unexpected(path.error());
    config.runtimes.*member = *path;
    return {};
  };
}

Result<std::string> ParseRunDirectory(const std::string& text) {
  Config config;
  config.run_directory = text;
  if (!text.starts_with('/')) return Fail("must be an absolute path");
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  const size_t length = config.control_socket().native().size();
  if (length <= kMost) return text;
  return Fail("is too long for a socket in it, by " + std::to_string(length - kMost) + " bytes");
}

Result<std::string> ParseWebhook(const std::string& text) {
  if (text.empty()) return text;
  if (const auto origin = alert::WebhookOrigin(text); !origin)
    return tl::unexpected(origin.error());
  return text;
}

// Shorter, or smaller, it would be a history of nothing.
Result<uint64_t> ParseRetention(const std::string& text) {
  auto ns = ParseDuration(text);
  if (!ns || *ns >= 60'000'000'000) return ns;
  return Fail("must be 1m or more");
}

Result<uint64_t> ParseHistorySize(const std::string& text) {
  auto bytes = ParseSize(text);
  if (!bytes || *bytes >= (1U << 20)) return bytes;
  return Fail("must be 1MiB or more");
}

Result<bool> ParseBool(const std::string& text) {
  if (text == "true" || text == "false") return text == "true";
  return Fail("must be true or false");
}

Result<Output> ParseOutput(const std::string& text) {
  if (text == "text") return Output::kText;
  if (text == "json") return Output::kJson;
  if (text == "none") return Output::kNone;
  return Fail("must be text, json or none");
}

Result<uint64_t> ParseAttempts(const std::string& text) {
  if (text.size() == 1 && text[0] >= '1' && text[0] <= '9')
    return static_cast<uint64_t>(text[0] - '0');
  return Fail("must be a number from 1 to 9");
}

Result<uint64_t> ParseTimeout(const std::string& text) {
  auto ns = ParseDuration(text);
  if (!ns) return ns;
  if (*ns >= 1'000'000 && *ns <= 600'000'000'000) return ns;
  return Fail("must be from 1ms to 10m");
}

Result<uint64_t> ParseHold(const std::string& text) {
  if (text == "0") return uint64_t{0};
  auto ns = ParseDuration(text);
  if (!ns || *ns <= 10'000'000'000) return ns;
  return Fail("must be 0 (do not wait), or up to 10s");
}

Result<bool> ParseUnbound(const std::string& text) {
  if (text == "open" || text == "closed") return text == "closed";
  return Fail("must be open or closed");
}

Result<uint64_t> ParseRing(const std::string& text) {
  auto size = ParseSize(text);
  if (!size) return size;
  const bool power = *size != 0 && (*size & (*size - 1)) == 0;
  if (power && *size >= (64U << 10) && *size <= (1U << 30)) return size;
  return Fail("must be a power of two from 64KiB to 1GiB");
}

Result<uint64_t> ParseTasks(const std::string& text) {
  auto count = ParseSize(text);
  if (count && *count >= 1024 && *count <= (4U << 20)) return count;
  return Fail("must be a number from 1024 to 4194304");
}

Status SetPolicies(const YAML::Node& node, Config& config) {
  if (!node.IsSequence() && !node.IsScalar())
    return Fail("must be a file, a directory, or a list of them");
  config.policies.clear();
  if (node.IsScalar()) config.policies.emplace_back(node.Scalar());
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) return Fail("must be a file, a directory, or a list of them");
    config.policies.emplace_back(item.Scalar());
  }
  return {};
}

// Names of events, and `all`, or `usual` for those that are recorded unless told otherwise.
Result<uint64_t> EventsNamed(const std::string& name) {
  using event::History;
  if (name == "all") {
    return event::EventsOf({History::ALWAYS, History::KEPT, History::NOISY});
  }
  if (name == "usual") return event::EventsOf({History::ALWAYS, History::KEPT});
  const event::Type type = event::FindType(name);
  if (type != event::Type::kNone) return event::EventBits(type);
  std::string names = "usual, all";
  for (unsigned i = 1; i < NSW_EVENT_COUNT; i++) {
    names += ", " + std::string(event::Info(static_cast<event::Type>(i)).name);
  }
  return Fail("'" + name + "' is no event; known are " + names);
}

Status SetHistoryEvents(const YAML::Node& node, Config& config) {
  if (!node.IsSequence() && !node.IsScalar()) return Fail("must be an event, or a list of them");
  config.history_events = event::EventsOf({event::History::ALWAYS});
  const auto add = [&](const YAML::Node& item) -> Status {
    if (!item.IsScalar()) return Fail("must be an event, or a list of them");
    const auto events = EventsNamed(item.Scalar());
    if (!events) return tl::unexpected(events.error());
    config.history_events |= *events;
    return {};
  };
  if (node.IsScalar()) return add(node);
  for (const YAML::Node& item : node) {
    if (Status added = add(item); !added) return added;
  }
  return {};
}

struct Key {
  std::string name;  // "history.path"
  Setter set;
};

const std::vector<Key>& Keys() {
  static const std::vector<Key> keys{
      {"policies", SetPolicies},
      {"output", Parsed(&Config::output, ParseOutput)},
      {"history.path", Parsed(&Config::history, ParsePathOrNone)},
      {"history.retention", Parsed(&Config::history_retention_ns, ParseRetention)},
      {"history.max_size", Parsed(&Config::history_max_bytes, ParseHistorySize)},
      {"history.events", SetHistoryEvents},
      {"webhook.url", Parsed(&Config::webhook_url, ParseWebhook)},
      {"webhook.timeout", Parsed(&Config::webhook_timeout_ns, ParseTimeout)},
      {"webhook.attempts", Parsed(&Config::webhook_attempts, ParseAttempts)},
      {"runtimes.docker", Runtime(&container::Runtimes::docker)},
      {"runtimes.containerd", Runtime(&container::Runtimes::containerd)},
      {"runtimes.crio", Runtime(&container::Runtimes::crio)},
      {"runtimes.podman", Runtime(&container::Runtimes::podman)},
      {"runtimes.podman_storage", Runtime(&container::Runtimes::podman_storage)},
      {"runtimes.podman_run", Runtime(&container::Runtimes::podman_run)},
      {"run_directory", Parsed(&Config::run_directory, ParseRunDirectory)},
      {"enforce", Parsed(&Config::enforce, ParseBool)},
      {"hold", Parsed(&Config::hold_ns, ParseHold)},
      {"unbound", Parsed(&Config::unbound_closed, ParseUnbound)},
      {"outlive", Parsed(&Config::outlive, ParseBool)},
      {"check_policy_owner", Parsed(&Config::check_policy_owner, ParseBool)},
      {"rings.files", Parsed(&Config::files_ring_bytes, ParseRing)},
      {"rings.events", Parsed(&Config::events_ring_bytes, ParseRing)},
      {"rings.denials", Parsed(&Config::denials_ring_bytes, ParseRing)},
      {"max_tasks", Parsed(&Config::max_tasks, ParseTasks)},
  };
  return keys;
}

bool IsGroup(const std::string& name) {
  for (const Key& key : Keys()) {
    if (key.name.starts_with(name + '.')) return true;
  }
  return false;
}

void ReadMap(const YAML::Node& map, const std::string& prefix, Config& config, Reader& reader) {
  std::set<std::string> seen;
  for (const auto& item : map) {
    const std::string own = item.first.IsScalar() ? item.first.Scalar() : "?";
    const std::string name = prefix + own;
    if (!seen.insert(own).second) {
      reader.Complain(item.first.Mark(), "key '" + name + "' is there twice");
      continue;
    }
    if (prefix.empty() && IsGroup(name)) {
      if (item.second.IsMap()) {
        ReadMap(item.second, name + '.', config, reader);
      } else if (!item.second.IsNull()) {
        reader.Complain(item.second.Mark(), name + ": must be a map of keys");
      }
      continue;
    }
    const auto& keys = Keys();
    const auto key =
        std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.name == name; });
    const bool dotted = own.find('.') != std::string::npos;  // groups are maps, the only way
    if (key == keys.end() || dotted) {
      reader.Complain(item.first.Mark(),
                      "unknown key '" + name +
                          "'; the keys are in nswarden.yaml(5) and packaging/nswarden.yaml");
      continue;
    }
    if (const Status set = key->set(item.second, config); !set) {
      reader.Complain(item.second.Mark(), name + ": " + set.error().message);
    }
  }
}

}  // namespace

Result<Config> ReadConfig(const std::filesystem::path& file) {
  std::ifstream content(file);
  std::error_code ignored;
  // A directory opens and has nothing to read, which is not the same as an empty file.
  if (!content) return Fail(file.string() + ": cannot be read: " + std::strerror(errno));
  if (std::filesystem::is_directory(file, ignored)) {
    return Fail(file.string() + ": cannot be read: it is a directory");
  }
  Config config;
  config.file = file;
  Reader reader(file.string());
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(content);
    const YAML::Node root = documents.empty() ? YAML::Node() : documents.front();
    if (documents.size() > 1) reader.Complain(documents[1].Mark(), "one YAML document is enough");
    if (root.IsMap()) ReadMap(root, "", config, reader);
    if (!root.IsMap() && !root.IsNull()) reader.Complain(root.Mark(), "must be a map of keys");
  } catch (const YAML::Exception& error) {
    reader.Complain(error.mark, error.msg);
  }
  if (!reader.mistakes().empty()) return Fail(reader.mistakes());
  return config;
}

}  // namespace nsw
