// SPDX-License-Identifier: Apache-2.0
// SessionSource: what all runtime sources have in common. A thread lives through one session after
// the other: begin, list everything, then follow what changes. When anything goes wrong the session
// ends, and after a pause a new one begins, whose listing also tells what is gone. A source adds
// how its runtime is asked.
//
// The functions that a source overrides run on the source's thread alone.
#pragma once

#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <unordered_set>

#include "engine/container/listing.h"
#include "engine/container/source.h"
#include "engine/container/unix_http.h"

namespace nsw::container {

HttpError OddAnswer(std::string message);

class SessionSource : public Source {
 public:
  ~SessionSource() override;
  [[nodiscard]] std::string name() const override { return options_.name; }
  [[nodiscard]] std::string state() const override;

 protected:
  SessionSource(SourceOptions options, ChangeHandler handler);
  /// First in the constructor's body, last in the destructor's: the thread calls what is
  /// overridden.
  void StartThread();
  void StopThread();

  /// Asks who is there and subscribes to what happens. The listing comes after it, so that nothing
  /// falls between the two.
  virtual Outcome Begin() = 0;
  virtual tl::expected<Listing, HttpError> List() = 0;
  using Fetched = tl::expected<std::optional<Container>, HttpError>;
  /// One container; nothing if it is gone or not for this source. An error of kTimeout or kOdd
  /// means that it is asked for again later, any other ends the session.
  virtual Fetched Fetch(const std::string& id) = 0;
  /// A line or message of the stream.
  virtual Outcome Handle(const std::string& line) = 0;
  /// Waits for something to happen, without a stream.
  virtual Outcome WaitWithoutStream(std::chrono::milliseconds time);
  /// Whether a stream that ends is no reason to end the session.
  [[nodiscard]] virtual bool GoesOnWithoutStream() const { return false; }
  /// Who is there: "docker 20.10.24".
  [[nodiscard]] virtual std::string Peer() const = 0;
  /// After the runtime is told to be gone or no longer listed.
  virtual void Forgotten(const std::string& /*id*/) {}

  /// Fetches a container and tells of it, or that it is gone.
  Outcome Inspect(const std::string& id);
  void Upsert(Container container);
  void Remove(const std::string& id);
  /// Tells once that this runtime runs containers whose cgroup does not name them.
  void TellNameless();
  [[nodiscard]] bool Knows(const std::string& id) const { return told_.contains(id); }
  /// The next listing comes at the latest in that time.
  void ListWithin(std::chrono::milliseconds time);
  [[nodiscard]] const SourceOptions& options() const { return options_; }

  UnixHttp http_;

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  void BePatient(bool too_slow);
  Outcome Session();
  Outcome ListAll();
  Outcome InspectListed(const Listing& listing);
  Outcome Follow();
  Outcome WaitForMore();
  Outcome HandleLines();
  Outcome InspectPostponed();
  void RemoveUnlisted(const std::vector<std::string>& before, const Listing& listing);
  void Postpone(const std::string& id);
  void Synced();
  void ShowConnected();
  void SetState(std::string state);

  const SourceOptions options_;
  const ChangeHandler handler_;

  // Of the source's thread alone.
  struct Told {
    std::string mark;
    uid_t owner = 0;
  };
  std::unordered_map<std::string, Told> told_;  // what the handler knows of, by id
  std::unordered_set<std::string> postponed_;   // their inspection failed
  Clock::time_point next_listing_;
  Clock::time_point next_postponed_;
  int hangs_ = 0;
  long timeout_ms_;  // of one answer, by now
  bool synced_ = false;
  bool nameless_told_ = false;

  mutable std::mutex mutex_;
  std::string state_ = "connecting";

  std::thread thread_;
};

}  // namespace nsw::container
