// SPDX-License-Identifier: Apache-2.0
// The podman source: podman has no daemon, so its files are looked at once a second, and at once
// when one of its folders changes.
#include <dirent.h>
#include <pwd.h>
#include <sys/inotify.h>
#include <time.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <memory>

#include "engine/container/podman_store.h"
#include "engine/container/session.h"

namespace nsw::container {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

constexpr milliseconds kPollInterval{1000};
// Whoever keeps changing files makes us look no more often than this, and rest for longer than we
// are at it: a user may make his files as costly as he can.
constexpr milliseconds kPause{50};
constexpr int kRest = 10;
constexpr int kLookedForMax = 20;  // times
constexpr size_t kEarlyMax = 256;
constexpr std::chrono::seconds kFoldersInterval{10};
constexpr size_t kUsersMax = 64;

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;
using File = std::unique_ptr<FILE, int (*)(FILE*)>;

// The processor time of this thread: on a busy machine it is late, and has cost nothing by that.
std::chrono::nanoseconds ThreadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

// The users with a run-time folder.
std::vector<uid_t> UsersBelow(const std::string& folder) {
  std::vector<uid_t> users;
  const Directory directory(opendir(folder.c_str()), closedir);
  while (directory != nullptr && users.size() < kUsersMax) {
    const dirent* entry = readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    uid_t uid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), uid);
    if (error == std::errc{} && end == name.data() + name.size() && uid != 0) users.push_back(uid);
  }
  return users;
}

// Only the file is asked: a directory service may keep us waiting.
std::string HomeOf(const std::string& passwd, uid_t uid) {
  const File file(fopen(passwd.c_str(), "re"), fclose);
  while (file != nullptr) {
    const ::passwd* user = fgetpwent(file.get());
    if (user == nullptr) break;
    if (user->pw_uid == uid) return user->pw_dir;
  }
  return "";
}

class PodmanSource final : public SessionSource {
 public:
  PodmanSource(SourceOptions options, PodmanFiles files, ChangeHandler handler)
      : SessionSource(std::move(options), std::move(handler)), files_(std::move(files)) {
    StartThread();
  }
  ~PodmanSource() override { StopThread(); }

 private:
  struct Place {
    size_t store = 0;
    PodmanStore::Item item;
  };

  Outcome Begin() override;
  tl::expected<Listing, HttpError> List() override;
  Fetched Fetch(const std::string& id) override;
  Outcome Handle(const std::string&) override { return {}; }
  Outcome WaitWithoutStream(milliseconds time) override;
  std::string Peer() const override;
  void Forgotten(const std::string& id) override { places_.erase(id); }

  void OpenStores();
  bool IsEarly(PodmanStore& store, const PodmanStore::Item& item);
  void Open(const PodmanStore::Paths& paths, uid_t owner);

  const PodmanFiles files_;
  UniqueFd inotify_;
  std::vector<PodmanStore> stores_;
  Steady::time_point next_open_;
  std::chrono::nanoseconds woken_{};  // of the thread's own time
  std::unordered_map<std::string, Place> places_;
  std::unordered_map<std::string, int> early_;  // not whole yet: how often looked at
};

Outcome PodmanSource::Begin() {
  OpenStores();
  if (!stores_.empty()) return {};
  return tl::unexpected(
      HttpError{HttpError::Kind::kAbsent, files_.root_storage + ": no containers of podman"});
}

// Folders come, go and are replaced.
void PodmanSource::OpenStores() {
  next_open_ = Steady::now() + kFoldersInterval;
  inotify_ = UniqueFd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  stores_.clear();
  early_.clear();
  Open({files_.root_storage, "", files_.root_run, ""}, 0);
  for (const uid_t uid : UsersBelow(files_.users_run)) {
    const std::string home = HomeOf(files_.passwd, uid);
    if (home.empty()) continue;
    Open({home, ".local/share/containers/storage/", files_.users_run + "/" + std::to_string(uid),
          "containers/"},
         uid);
  }
}

void PodmanSource::Open(const PodmanStore::Paths& paths, uid_t owner) {
  auto store = PodmanStore::Open(paths, owner);
  if (!store) return;
  // Who is not root may not make cgroups, with cgroup v1 nowhere, and his containers stay in the
  // one he is in.
  if (owner != 0) TellNameless();
  store->Watch(inotify_.get());
  stores_.push_back(std::move(*store));
}

tl::expected<Listing, HttpError> PodmanSource::List() {
  if (Steady::now() >= next_open_) OpenStores();
  Listing listing;
  places_.clear();
  for (size_t i = 0; i < stores_.size(); i++) {
    for (PodmanStore::Item& item : stores_[i].List()) {
      const std::string id = item.listed.id;
      const bool early = IsEarly(stores_[i], item);
      const std::string mark = std::to_string(item.pid) + " " + item.listed.name;
      // Root's store comes first: what is in it no user can say otherwise.
      if (places_.try_emplace(id, Place{i, std::move(item)}).second && !early) {
        listing.items.push_back({id, mark});
      }
    }
  }
  std::erase_if(early_, [&](const auto& entry) { return !places_.contains(entry.first); });
  ListWithin(kPollInterval);
  return listing;
}

// A container that is being made is looked at again, for a while: what is told first counts. One
// that was never started is left out: nobody acts in it, and what it may do is not written yet.
bool PodmanSource::IsEarly(PodmanStore& store, const PodmanStore::Item& item) {
  const std::string& id = item.listed.id;
  const bool known = Knows(id);
  const bool begun = known || item.pid != 0 || store.HasSpec(item);
  if (known || (begun && store.IsWhole(item))) {
    early_.erase(id);
    return false;
  }
  if (early_.size() > kEarlyMax || ++early_[id] > kLookedForMax) return !begun;
  ListWithin(kPause);
  return true;
}

Outcome PodmanSource::WaitWithoutStream(milliseconds time) {
  for (PodmanStore& store : stores_) store.DropFiles();
  const auto cost = std::chrono::ceil<milliseconds>(ThreadTime() - woken_);
  const milliseconds rest = std::max(kPause, kRest * cost);
  http_.Sleep(rest);
  http_.Sleep(std::max(time - rest, milliseconds(0)), inotify_.get());
  woken_ = ThreadTime();
  std::array<char, 4096> events;
  if (read(inotify_.get(), events.data(), events.size()) > 0) ListWithin(milliseconds(0));
  return {};
}

SessionSource::Fetched PodmanSource::Fetch(const std::string& id) {
  const auto place = places_.find(id);
  if (place == places_.end()) return std::nullopt;
  return stores_[place->second.store].Read(place->second.item);
}

std::string PodmanSource::Peer() const {
  return "files of " + std::to_string(stores_.size()) + (stores_.size() == 1 ? " user" : " users");
}

}  // namespace

std::unique_ptr<Source> MakePodmanSource(SourceOptions options, PodmanFiles files,
                                         ChangeHandler handler) {
  return std::make_unique<PodmanSource>(std::move(options), std::move(files), std::move(handler));
}

}  // namespace nsw::container
