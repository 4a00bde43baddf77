// SPDX-License-Identifier: Apache-2.0
#include "engine/container/session.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>

namespace nsw::container {

using std::chrono::milliseconds;

namespace {

// More containers than this are not of one host.
constexpr size_t kContainersMax = 16'384;
// So many containers in a row whose inspection takes too long: it is the runtime that hangs.
constexpr int kHangsMax = 3;

HttpLimits LimitsOf(const SourceOptions& options) {
  HttpLimits limits;
  limits.connect_timeout_ms = options.connect_timeout_ms;
  limits.timeout_ms = options.timeout_ms;
  return limits;
}

}  // namespace

HttpError OddAnswer(std::string message) {
  return HttpError{HttpError::Kind::kOdd, std::move(message)};
}

SessionSource::SessionSource(SourceOptions options, ChangeHandler handler)
    : http_(options.socket, LimitsOf(options)),
      options_(std::move(options)),
      handler_(std::move(handler)),
      timeout_ms_(options_.timeout_ms) {}

SessionSource::~SessionSource() = default;

void SessionSource::StartThread() {
  // Signals are for the threads that wait for them.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void SessionSource::StopThread() {
  http_.Stop();
  thread_.join();
}

std::string SessionSource::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void SessionSource::SetState(std::string state) {
  const std::lock_guard lock(mutex_);
  state_ = std::move(state);
}

void SessionSource::Run() {
  long pause = options_.retry_min_ms;
  while (!http_.stopped()) {
    const auto begin = Clock::now();
    const Outcome outcome = Session();
    if (http_.stopped()) return;
    // Only one that held is a reason to come back soon: a runtime may well lie each time.
    const bool held = Clock::now() - begin > milliseconds(options_.retry_max_ms);
    if (held) pause = options_.retry_min_ms;
    const HttpError& error = outcome.error();
    const bool absent = error.kind == HttpError::Kind::kAbsent;
    BePatient(error.kind == HttpError::Kind::kTimeout);
    SetState((absent ? "not there: " : "failing: ") + error.message);
    if (absent) Synced();  // nothing to wait for
    http_.Sleep(milliseconds(pause));
    pause = std::min(pause * 2, options_.retry_max_ms);
  }
}

void SessionSource::BePatient(bool too_slow) {
  timeout_ms_ = too_slow ? std::min(timeout_ms_ * 2, std::max(options_.timeout_max_ms, timeout_ms_))
                         : options_.timeout_ms;
  http_.SetTimeout(timeout_ms_);
}

Outcome SessionSource::Session() {
  for (auto& [id, told] : told_) told.mark.clear();
  postponed_.clear();
  hangs_ = 0;
  return Begin().and_then([this] { return ListAll(); }).and_then([this] { return Follow(); });
}

// Tells of everything that is there and of what is not there any more.
Outcome SessionSource::ListAll() {
  std::vector<std::string> before;  // events may tell of new ones meanwhile
  for (const auto& [id, told] : told_) before.push_back(id);
  next_listing_ = Clock::now() + milliseconds(options_.listing_interval_ms);
  const auto listing = List();
  if (!listing) return tl::unexpected(listing.error());
  if (listing->complete) RemoveUnlisted(before, *listing);
  if (const Outcome outcome = InspectListed(*listing); !outcome) return outcome;
  ShowConnected();
  Synced();
  return {};
}

Outcome SessionSource::InspectListed(const Listing& listing) {
  for (const Listing::Item& item : listing.items) {
    if (const Outcome outcome = HandleLines(); !outcome) return outcome;
    const auto told = told_.find(item.id);
    if (told != told_.end() && told->second.mark == item.mark) continue;
    if (const Outcome outcome = Inspect(item.id); !outcome) return outcome;
    if (const auto now_told = told_.find(item.id); now_told != told_.end()) {
      now_told->second.mark = item.mark;
    }
  }
  return {};
}

void SessionSource::RemoveUnlisted(const std::vector<std::string>& before, const Listing& listing) {
  std::unordered_set<std::string_view> there;
  for (const Listing::Item& item : listing.items) there.insert(item.id);
  for (const std::string& id : before) {
    if (!there.contains(id)) Remove(id);
  }
}

Outcome SessionSource::WaitWithoutStream(milliseconds time) {
  http_.Sleep(time);
  return {};
}

Outcome SessionSource::WaitForMore() {
  const auto wake = postponed_.empty() ? next_listing_ : std::min(next_listing_, next_postponed_);
  const auto wait = std::max(std::chrono::ceil<milliseconds>(wake - Clock::now()), milliseconds(0));
  if (!http_.has_stream()) return WaitWithoutStream(wait);
  const Outcome waited = http_.WaitLine(wait);
  if (waited || !http_.stream_ended() || !GoesOnWithoutStream()) return waited;
  http_.CloseStream();
  ListWithin(milliseconds(0));
  return {};
}

Outcome SessionSource::Follow() {
  while (!http_.stopped()) {
    const Outcome outcome =
        WaitForMore().and_then([this] { return HandleLines(); }).and_then([this] {
          return InspectPostponed();
        });
    if (!outcome) return outcome;
    if (http_.TakeMissed()) ListWithin(milliseconds(1000));
    if (Clock::now() < next_listing_) continue;
    if (const Outcome listed = ListAll(); !listed) return listed;
  }
  return tl::unexpected(HttpError{HttpError::Kind::kStopped, "stopped"});
}

void SessionSource::ListWithin(milliseconds time) {
  next_listing_ = std::min(next_listing_, Clock::now() + time);
}

Outcome SessionSource::HandleLines() {
  bool any = false;
  for (std::string line; http_.TakeLine(line) && !http_.stopped(); any = true) {
    if (const Outcome outcome = Handle(line); !outcome) return outcome;
  }
  if (any && synced_) ShowConnected();
  return {};
}

// An error here ends the session; a container that cannot be inspected is asked for again later.
Outcome SessionSource::Inspect(const std::string& id) {
  Fetched fetched = Fetch(id);
  if (!fetched) {
    const HttpError::Kind kind = fetched.error().kind;
    const bool hangs = kind == HttpError::Kind::kTimeout;
    if (!hangs && kind != HttpError::Kind::kOdd) return tl::unexpected(fetched.error());
    if (hangs && ++hangs_ >= kHangsMax) return tl::unexpected(fetched.error());
    Postpone(id);
    return {};
  }
  hangs_ = 0;
  postponed_.erase(id);
  if (!*fetched) {
    Remove(id);
    return {};
  }
  Upsert(std::move(**fetched));
  return {};
}

void SessionSource::Postpone(const std::string& id) {
  if (postponed_.empty()) next_postponed_ = Clock::now() + milliseconds(3 * timeout_ms_);
  if (postponed_.size() < kContainersMax) postponed_.insert(id);
}

Outcome SessionSource::InspectPostponed() {
  if (postponed_.empty() || Clock::now() < next_postponed_) return {};
  const std::unordered_set<std::string> ids = std::exchange(postponed_, {});
  for (const std::string& id : ids) {
    if (const Outcome outcome = Inspect(id); !outcome) return outcome;
  }
  ShowConnected();
  return {};
}

void SessionSource::Upsert(Container container) {
  if (!told_.contains(container.id) && told_.size() >= kContainersMax) return;
  told_[container.id].owner = container.owner;
  handler_({Change::Kind::kUpsert, std::move(container)});
}

void SessionSource::Remove(const std::string& id) {
  postponed_.erase(id);
  Forgotten(id);
  const auto told = told_.find(id);
  if (told == told_.end()) return;
  Change change{Change::Kind::kRemoved, {}};
  change.container.id = id;
  change.container.runtime = options_.runtime;
  change.container.owner = told->second.owner;
  told_.erase(told);
  handler_(std::move(change));
}

void SessionSource::Synced() {
  if (std::exchange(synced_, true)) return;
  Change change{Change::Kind::kSynced, {}};
  change.container.runtime = options_.name;
  handler_(std::move(change));
}

void SessionSource::TellNameless() {
  if (std::exchange(nameless_told_, true)) return;
  handler_({Change::Kind::kNameless, {}});
}

void SessionSource::ShowConnected() {
  std::string text = "connected (" + Peer() + ", " + std::to_string(told_.size()) +
                     (told_.size() == 1 ? " container" : " containers");
  if (told_.size() >= kContainersMax) text += ", no room for more";
  if (!postponed_.empty()) text += ", " + std::to_string(postponed_.size()) + " not inspected";
  SetState(text + ")");
}

}  // namespace nsw::container
