// SPDX-License-Identifier: Apache-2.0
// The Docker source. One session: ask the version, subscribe to the events, then list and inspect
// everything, so that nothing falls between the two; afterwards an inspection for each event. When
// anything goes wrong the session ends, and after a pause a new one begins, whose listing also
// tells what is gone.
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <ctime>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "engine/container/docker_json.h"
#include "engine/container/source.h"
#include "engine/container/unix_http.h"

namespace nsw::container {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// More containers than this are not of one host.
constexpr size_t kContainersMax = 16'384;
constexpr size_t kImagesMax = 1024;
// So many containers in a row whose inspection takes too long: it is the runtime that hangs.
constexpr int kHangsMax = 3;
constexpr std::string_view kEventsFilter =  // {"type":["container"],"event":["create",...]}
    "%7B%22type%22%3A%5B%22container%22%5D%2C%22event%22%3A%5B%22create%22%2C%22start%22%2C"
    "%22restart%22%2C%22die%22%2C%22destroy%22%2C%22rename%22%2C%22pause%22%2C%22unpause%22%2C"
    "%22update%22%5D%7D";

using Outcome = tl::expected<void, HttpError>;

tl::unexpected<HttpError> Refused(std::string message) {
  return tl::unexpected(HttpError{HttpError::Kind::kOther, std::move(message)});
}

HttpLimits LimitsOf(const DockerOptions& options) {
  HttpLimits limits;
  limits.connect_timeout_ms = options.connect_timeout_ms;
  limits.timeout_ms = options.timeout_ms;
  return limits;
}

class DockerSource final : public Source {
 public:
  DockerSource(DockerOptions options, ChangeHandler handler)
      : options_(std::move(options)),
        handler_(std::move(handler)),
        http_(options_.socket, LimitsOf(options_)) {
    // Signals are for the threads that wait for them.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    thread_ = std::thread([this] { Run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~DockerSource() override {
    http_.Stop();
    thread_.join();
  }

  std::string name() const override { return options_.runtime; }

  std::string state() const override {
    const std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  void Run();
  Outcome Session();
  Outcome Negotiate();
  Outcome Subscribe();
  Outcome List();
  void RemoveUnlisted(const std::vector<std::string>& before, const docker::Listing& listing);
  Outcome Follow();
  Outcome HandleLines();
  Outcome Handle(const std::string& line);
  void HandleEarly(const std::string& line);
  Outcome Inspect(const std::string& id);
  Outcome InspectLater();
  void Postpone(const std::string& id);
  void HandleBareImage(Container created);
  bool Complete(Container& container, const std::string& image_id);
  void Upsert(Container container);
  void Remove(const std::string& id);
  void Synced();
  void ShowConnected();
  void SetState(std::string state) {
    const std::lock_guard lock(mutex_);
    state_ = std::move(state);
  }

  const DockerOptions options_;
  const ChangeHandler handler_;
  UnixHttp http_;

  // Of the source's thread alone.
  std::string prefix_;  // "/v1.41"
  std::string engine_;
  std::unordered_map<std::string, std::string> told_;  // what the handler knows of: id, last mark
  std::unordered_map<std::string, docker::ImageInfo> images_;
  std::unordered_set<std::string> postponed_;  // their inspection failed
  steady_clock::time_point next_listing_;
  steady_clock::time_point next_postponed_;
  int hangs_ = 0;
  bool synced_ = false;

  mutable std::mutex mutex_;
  std::string state_ = "connecting";

  std::thread thread_;  // last: it uses all the others
};

void DockerSource::Run() {
  long pause = options_.retry_min_ms;
  while (!http_.stopped()) {
    const auto begin = steady_clock::now();
    const Outcome outcome = Session();
    if (http_.stopped()) return;
    // Only one that held is a reason to come back soon: a runtime may well lie each time.
    const bool held = steady_clock::now() - begin > milliseconds(options_.retry_max_ms);
    if (held) pause = options_.retry_min_ms;
    const HttpError& error = outcome.error();
    const bool absent = error.kind == HttpError::Kind::kAbsent;
    SetState((absent ? "not there: " : "failing: ") + error.message);
    if (absent) Synced();  // nothing to wait for
    http_.Sleep(milliseconds(pause));
    pause = std::min(pause * 2, options_.retry_max_ms);
  }
}

Outcome DockerSource::Session() {
  for (auto& [id, mark] : told_) mark.clear();
  postponed_.clear();
  hangs_ = 0;
  return Negotiate()
      .and_then([this] { return Subscribe(); })
      .and_then([this] { return List(); })
      .and_then([this] { return Follow(); });
}

Outcome DockerSource::Negotiate() {
  const auto answer = http_.Get("/version");
  if (!answer) return tl::unexpected(answer.error());
  const Result<docker::Version> version = docker::ParseVersion(answer->body);
  if (!version) return Refused(options_.socket + ": " + version.error().message);
  const std::string api = docker::ChooseApi(*version);
  prefix_ = api.empty() ? "" : "/v" + api;
  engine_ = version->engine;
  return {};
}

Outcome DockerSource::Subscribe() {
  // The server answers first and subscribes then: asking for the last seconds too closes that gap.
  const std::string since = std::to_string(std::max<time_t>(time(nullptr) - 2, 0));
  return http_.OpenStream(
      prefix_ + "/events?since=" + since + "&filters=" + std::string(kEventsFilter),
      [this](const std::string& line) { HandleEarly(line); });
}

// Tells of everything that is there and of what is not there any more.
Outcome DockerSource::List() {
  std::vector<std::string> before;  // events may tell of new ones meanwhile
  for (const auto& [id, mark] : told_) before.push_back(id);
  const auto answer = http_.Get(prefix_ + "/containers/json?all=1");
  if (!answer) return tl::unexpected(answer.error());
  if (answer->status != 200) {
    return Refused(options_.socket + ": listing: status " + std::to_string(answer->status));
  }
  const Result<docker::Listing> listing = docker::ParseListing(answer->body);
  if (!listing) return Refused(options_.socket + ": " + listing.error().message);

  images_.clear();  // tags move
  if (listing->complete) RemoveUnlisted(before, *listing);
  for (const docker::Listing::Item& item : listing->items) {
    if (const Outcome outcome = HandleLines(); !outcome) return outcome;
    const auto told = told_.find(item.id);
    if (told != told_.end() && told->second == item.mark) continue;
    if (const Outcome outcome = Inspect(item.id); !outcome) return outcome;
    if (const auto now_told = told_.find(item.id); now_told != told_.end()) {
      now_told->second = item.mark;
    }
  }
  next_listing_ = steady_clock::now() + milliseconds(options_.listing_interval_ms);
  ShowConnected();
  Synced();
  return {};
}

void DockerSource::RemoveUnlisted(const std::vector<std::string>& before,
                                  const docker::Listing& listing) {
  std::unordered_set<std::string_view> there;
  for (const docker::Listing::Item& item : listing.items) there.insert(item.id);
  for (const std::string& id : before) {
    if (!there.contains(id)) Remove(id);
  }
}

Outcome DockerSource::Follow() {
  for (;;) {
    const auto wake = postponed_.empty() ? next_listing_ : std::min(next_listing_, next_postponed_);
    const auto wait = std::chrono::ceil<milliseconds>(wake - steady_clock::now());
    const Outcome outcome = http_.WaitLine(std::max(wait, milliseconds(0)))
                                .and_then([this] { return HandleLines(); })
                                .and_then([this] { return InspectLater(); });
    if (!outcome) return outcome;
    const auto now = steady_clock::now();
    if (http_.TakeMissed()) next_listing_ = std::min(next_listing_, now + milliseconds(1000));
    if (now < next_listing_) continue;
    if (const Outcome listed = List(); !listed) return listed;
  }
}

Outcome DockerSource::HandleLines() {
  for (std::string line; http_.TakeLine(line) && !http_.stopped();) {
    if (const Outcome outcome = Handle(line); !outcome) return outcome;
  }
  return {};
}

// An inspection has to wait while the container is being started, and would be too late for the
// container's first instruction. The event itself says enough to choose policies by, nearly always.
void DockerSource::HandleEarly(const std::string& line) {
  Result<docker::Event> event = docker::ParseEvent(line);
  if (!event || event->created.id.empty() || told_.contains(event->id)) return;
  if (docker::IsBareImage(event->created.image)) return;
  event->created.runtime = options_.runtime;
  Upsert(std::move(event->created));
}

Outcome DockerSource::Handle(const std::string& line) {
  const Result<docker::Event> event = docker::ParseEvent(line);
  if (!event) return Refused(options_.socket + ": " + event.error().message);
  if (docker::IsBareImage(event->created.image)) HandleBareImage(event->created);
  switch (event->meaning) {
    case docker::Event::Meaning::kIgnored:
      break;
    case docker::Event::Meaning::kChanged: {
      const Outcome outcome = Inspect(event->id);
      ShowConnected();
      return outcome;
    }
    case docker::Event::Meaning::kGone:
      Remove(event->id);
      ShowConnected();
      break;
  }
  return {};
}

// The same for a container made from an image's id: the image can be asked for without waiting.
void DockerSource::HandleBareImage(Container created) {
  if (created.id.empty() || told_.contains(created.id)) return;
  const std::string reference = created.image.reference;
  if (Complete(created, reference)) Upsert(std::move(created));
}

// An error here ends the session; a container that cannot be inspected is asked for again later.
Outcome DockerSource::Inspect(const std::string& id) {
  const auto answer = http_.Get(prefix_ + "/containers/" + id + "/json");
  if (!answer) {
    const bool hangs = answer.error().kind == HttpError::Kind::kTimeout;
    if (!hangs || ++hangs_ >= kHangsMax) return tl::unexpected(answer.error());
    Postpone(id);
    return {};
  }
  hangs_ = 0;
  postponed_.erase(id);
  if (answer->status == 404) {
    Remove(id);
    return {};
  }
  Result<docker::Inspected> inspected = docker::ParseInspect(answer->body);
  if (answer->status != 200 || !inspected || inspected->container.id != id) {
    Postpone(id);
    return {};
  }
  Complete(inspected->container, inspected->image_id);
  Upsert(std::move(inspected->container));
  return {};
}

void DockerSource::Postpone(const std::string& id) {
  if (postponed_.empty())
    next_postponed_ = steady_clock::now() + milliseconds(3 * options_.timeout_ms);
  if (postponed_.size() < kContainersMax) postponed_.insert(id);
}

Outcome DockerSource::InspectLater() {
  if (postponed_.empty() || steady_clock::now() < next_postponed_) return {};
  const std::unordered_set<std::string> ids = std::exchange(postponed_, {});
  for (const std::string& id : ids) {
    if (const Outcome outcome = Inspect(id); !outcome) return outcome;
  }
  return {};
}

// Adds what only the image knows. False where nothing is known: an image that is gone (its
// container is not) leaves its id.
bool DockerSource::Complete(Container& container, const std::string& image_id) {
  container.runtime = options_.runtime;
  if (!docker::IsImageId(image_id)) return false;
  auto found = images_.find(image_id);
  if (found == images_.end()) {
    const auto answer = http_.Get(prefix_ + "/images/" + image_id + "/json");
    docker::ImageInfo info;
    if (answer && answer->status == 200) info = docker::ParseImageInfo(answer->body);
    if (info.id.empty()) info.id = image_id;
    if (images_.size() >= kImagesMax) images_.clear();
    found = images_.emplace(image_id, std::move(info)).first;
  }
  docker::CompleteImage(found->second, container.image);
  return !found->second.tags.empty() || !found->second.digests.empty();
}

void DockerSource::Upsert(Container container) {
  if (!told_.contains(container.id) && told_.size() >= kContainersMax) return;
  told_.try_emplace(container.id);
  handler_({Change::Kind::kUpsert, std::move(container)});
}

void DockerSource::Remove(const std::string& id) {
  postponed_.erase(id);
  if (told_.erase(id) == 0) return;
  Change change{Change::Kind::kRemoved, {}};
  change.container.id = id;
  change.container.runtime = options_.runtime;
  handler_(std::move(change));
}

void DockerSource::Synced() {
  if (std::exchange(synced_, true)) return;
  Change change{Change::Kind::kSynced, {}};
  change.container.runtime = options_.runtime;
  handler_(std::move(change));
}

void DockerSource::ShowConnected() {
  std::string text = "connected (" + options_.runtime + " " + engine_ + ", " +
                     std::to_string(told_.size()) + " containers";
  if (told_.size() >= kContainersMax) text += ", no room for more";
  if (!postponed_.empty()) text += ", " + std::to_string(postponed_.size()) + " not inspected";
  SetState(text + ")");
}

}  // namespace

std::unique_ptr<Source> MakeDockerSource(DockerOptions options, ChangeHandler handler) {
  return std::make_unique<DockerSource>(std::move(options), std::move(handler));
}

std::unique_ptr<Source> MakeDockerSource(std::string socket, ChangeHandler handler) {
  DockerOptions options;
  options.socket = std::move(socket);
  return MakeDockerSource(std::move(options), std::move(handler));
}

}  // namespace nsw::container
