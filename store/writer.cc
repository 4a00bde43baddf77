// SPDX-License-Identifier: Apache-2.0
// The writer: folds on the caller's thread, writes on its own. The two meet in one mutex, which the
// writing side holds only to exchange a full batch for an empty one: it never holds up an event.
//
// Every count is changed under that mutex together with the batch it speaks of, so that the ledger
// of WriterStats balances at every time.
#include "store/writer.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "engine/base/clock.h"
#include "store/describe.h"

namespace nsw::store {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t kLongestWindow = 600ULL * 1'000'000'000;  // Query counts on it

// Ids are times, as far as they can be unique and grow: see the schema.
int64_t NextId(int64_t last, uint64_t time_ns) {
  return std::max(last + 1, static_cast<int64_t>(std::min<uint64_t>(time_ns, INT64_MAX / 2)));
}

}  // namespace

HistoryWriter::HistoryWriter(WriterOptions options, std::unique_ptr<HistoryFile> file,
                             std::map<std::string, Told> told)
    : options_(std::move(options)),
      told_(std::move(told)),
      file_(std::move(file)),
      table_(options_.fold_rows) {
  options_.fold_window_ns = std::min(options_.fold_window_ns, kLongestWindow);
  ids_ = file_->last_ids();
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "nsw-history");
}

HistoryWriter::~HistoryWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// ---- the caller's side ------------------------------------------------------------------------

void HistoryWriter::RecordEvent(const event::Event& event, alert::Verdict verdict,
                                const rule::RuleInfo* rule) {
  const bool folds = LayoutOf(event.type()).folds;
  FoldTable::Slot* slot = nullptr;
  if (folds) {
    key_.Make(event, verdict, rule);
    slot = table_.Find(key_.hash(), key_.bytes());
  }
  const std::lock_guard lock(mutex_);
  Note(&EventCounts::recorded, event.type());
  int64_t id = 0;
  if (slot != nullptr && Repeat(*slot, event)) {
    id = slot->row;
  } else {
    NewRow row;
    row.verdict = verdict;
    if (rule != nullptr) {
      row.rule = rule->id;
      NameRule(*rule);
    }
    if (folds && slot == nullptr) slot = table_.Claim(key_.hash(), key_.bytes());
    id = AddRow(event, row, slot);
  }
  recent_[event.number % recent_.size()] = {event.number, id};
  WakeIfFull();
}

// False when the row is closed: its time is over, or it is not in the file.
bool HistoryWriter::Repeat(FoldTable::Slot& slot, const event::Event& event) {
  const uint64_t now = event.real_time_ns;
  if (slot.row <= closed_to_ || now < slot.first_ns ||
      now - slot.first_ns > options_.fold_window_ns) {
    return false;
  }
  if (slot.batch == batch_) {
    current_->Repeat(slot.count_at, now);
  } else {
    if (!HasRoom(sizeof(Count), true)) {
      Note(&EventCounts::lost_queue, event.type());
      return true;
    }
    slot.batch = batch_;
    slot.count_at = current_->AddCount({slot.row, now, 1, event.type(), false});
  }
  Await(event);
  return true;
}

// Returns the row's id; 0 when there was no room for it.
int64_t HistoryWriter::AddRow(const event::Event& event, NewRow row, FoldTable::Slot* slot) {
  const RowTexts texts = TextsOf(event);
  const bool important = row.verdict != alert::Verdict::kNone || slot == nullptr;
  if (!HasRoom(Batch::RowBytes(event, texts) + sizeof(Count), important)) {
    if (slot != nullptr) slot->row = 0;
    Note(&EventCounts::lost_queue, event.type());
    return 0;
  }
  row.id = ids_.event = NextId(ids_.event, event.real_time_ns);
  row.first_ns = event.real_time_ns;
  row.type = event.type();
  if (slot != nullptr) {
    row.count_at = current_->AddCount({row.id, row.first_ns, 1, row.type, true});
    slot->row = row.id;
    slot->first_ns = row.first_ns;
    slot->batch = batch_;
    slot->count_at = row.count_at;
  }
  current_->AddRow(row, event, texts);
  Await(event);
  return row.id;
}

void HistoryWriter::Note(uint64_t EventCounts::*what, event::Type type, uint64_t events) {
  stats_.*what += events;
  stats_.by_type[static_cast<size_t>(type)].*what += events;
}

// An act is in the batch, and not in the file yet.
void HistoryWriter::Await(const event::Event& event) {
  if (current_->events++ == 0) current_->oldest_ns = event.real_time_ns;
  current_->by_type[static_cast<size_t>(event.type())]++;
  Note(&EventCounts::pending, event.type());
}

// A quarter of the queue is kept for what a flood of ordinary events must not cost: executions,
// verdicts, alerts, operations, and the counts of rows that are there already.
bool HistoryWriter::HasRoom(size_t bytes, bool important) {
  const size_t limit = important ? options_.queue_bytes : options_.queue_bytes / 4 * 3;
  return current_->bytes() + writing_bytes_ + bytes <= limit;
}

void HistoryWriter::WakeIfFull() {
  if (hurry_ || current_->bytes() < options_.queue_bytes / 4) return;
  hurry_ = true;
  wake_.notify_one();
}

void HistoryWriter::RecordAlert(const alert::Alert& alert, const event::Event& event) {
  const RowTexts texts = TextsOf(event);
  const std::lock_guard lock(mutex_);
  stats_.alerts_recorded++;
  const Recent& recent = recent_[event.number % recent_.size()];
  const bool linked = recent.row != 0 && recent.number == event.number;
  NewAlert entry{NextId(ids_.alert, alert.time_ns), linked ? recent.row : 0, alert};
  if (!HasRoom(Batch::RowBytes(event, texts) + sizeof entry + alert.output.size(), true)) {
    stats_.alerts_lost_queue++;
    return;
  }
  NewRow row;
  row.id = ids_.alert = entry.id;
  row.first_ns = alert.time_ns;
  row.alert_at = static_cast<uint32_t>(current_->alerts().size());
  current_->Add(std::move(entry));
  current_->AddRow(row, event, texts);
  stats_.alerts_pending++;
  WakeIfFull();
}

void HistoryWriter::RecordOperation(const std::string& what, const std::string& detail,
                                    uint32_t uid, uint32_t pid) {
  const std::lock_guard lock(mutex_);
  AddOperation({.what = what, .detail = detail, .uid = uid, .pid = pid});
}

void HistoryWriter::RecordRefusals(const rule::RuleInfo& rule, const Refusals& refusals) {
  const std::lock_guard lock(mutex_);
  NameRule(rule);
  AddOperation({.what = "refused",
                .detail = refusals.detail,
                .uid = geteuid(),
                .pid = static_cast<uint32_t>(getpid()),
                .acts = refusals.acts,
                .verdict = refusals.verdict,
                .rule = rule.id,
                .counter = refusals.counter,
                .counted = refusals.counted});
}

Told HistoryWriter::ToldOf(const std::string& counter) const {
  const auto found = told_.find(counter);
  return found == told_.end() ? Told() : found->second;
}

// Operators are few: these find room where events do not.
void HistoryWriter::AddOperation(Operation operation) {
  operation.time_ns = SystemClock().RealNs();
  operation.id = ids_.operation = NextId(ids_.operation, operation.time_ns);
  current_->Add(std::move(operation));
}

void HistoryWriter::NameRule(const rule::RuleInfo& rule) {
  std::string& known = rules_[rule.id];
  if (known == rule.name) return;
  known = rule.name;
  current_->Add(RuleName{rule.id, rule.name, rule.policy});
}

void HistoryWriter::NameContainer(const container::Binding& binding) {
  RowTexts texts;
  AddContainerTexts(binding.container, texts);
  NamedContainer named{binding.home, {}};
  std::copy_n(texts.begin(), named.texts.size(), named.texts.begin());
  const std::lock_guard lock(mutex_);
  current_->Add(std::move(named));
}

void HistoryWriter::Flush() {
  std::unique_lock lock(mutex_);
  const uint64_t last = LastBatch();
  hurry_ = true;
  wake_.notify_one();
  done_.wait(lock, [&] { return done_batch_ >= last; });
}

uint64_t HistoryWriter::Mark() const {
  const std::lock_guard lock(mutex_);
  return LastBatch();
}

bool HistoryWriter::Written(uint64_t mark) const {
  const std::lock_guard lock(mutex_);
  return done_batch_ >= mark;
}

WriterStats HistoryWriter::Stats() const {
  const std::lock_guard lock(mutex_);
  WriterStats stats = stats_;
  stats.pending_since_ns = writing_->events != 0 ? writing_->oldest_ns : current_->oldest_ns;
  return stats;
}

// ---- the writer's thread ----------------------------------------------------------------------

void HistoryWriter::Run() {
  for (bool last = false; !last;) {
    last = !Take();
    CheckPlace();
    if (!writing_->empty()) Write();
    if (!last) Tidy();
  }
}

// Waits for its time or for a full batch, and takes what there is. False: it is the last.
bool HistoryWriter::Take() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, milliseconds(options_.flush_interval_ms),
                 [&] { return stopping_ || hurry_; });
  hurry_ = false;
  if (!current_->empty()) {
    std::swap(current_, writing_);
    writing_bytes_ = writing_->bytes();
    batch_++;
  }
  return !stopping_;
}

// Writes the batch; when SQLite refuses, tries again with growing pauses, and in the end drops it.
void HistoryWriter::Write() {
  const auto deadline = steady_clock::now() + milliseconds(options_.retry_ms);
  milliseconds pause(100);
  Result<Applied> applied = Apply();
  while (!applied && steady_clock::now() < deadline && Pause(pause)) {
    pause = std::min(pause * 2, milliseconds(2000));
    applied = Apply();
  }
  Account(applied);
  done_.notify_all();
}

Result<Applied> HistoryWriter::Apply() {
  auto applied = file_->Apply(*writing_);
  if (applied) return applied;
  Complain(applied.error().message);
  if (!file_->damaged()) return applied;
  spdlog::warn("history {}: damaged, moved aside; a new one is begun", options_.path.string());
  if (auto reopened = file_->Reopen(); !reopened) return tl::unexpected(reopened.error());
  return file_->Apply(*writing_);
}

// False when the writer is to stop.
bool HistoryWriter::Pause(milliseconds time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, time, [&] { return stopping_; });
  return !stopping_;
}

void HistoryWriter::Account(const Result<Applied>& applied) {
  const uint64_t alerts = writing_->alerts().size();
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < writing_->by_type.size(); i++) {
    const uint64_t events = writing_->by_type[i];
    const auto type = static_cast<event::Type>(i);
    stats_.pending -= events;
    stats_.by_type[i].pending -= events;
    Note(&EventCounts::stored, type, applied ? applied->events[i].stored : 0);
    Note(&EventCounts::lost_error, type, applied ? applied->events[i].lost_error : events);
  }
  stats_.alerts_pending -= alerts;
  if (applied) {
    stats_.rows += applied->rows;
    stats_.alerts_stored += applied->alerts;
    if (ailing_) spdlog::info("history {}: writing again", options_.path.string());
    ailing_ = false;
  } else {
    stats_.alerts_lost_error += alerts;
    closed_to_ = ids_.event;  // among them rows that never came to be
  }
  writing_->Clear();
  writing_bytes_ = 0;
  done_batch_ = batch_ - 1;
}

void HistoryWriter::Complain(const std::string& what) {
  const std::lock_guard lock(mutex_);
  stats_.last_error = what;
  stats_.last_error_ns = SystemClock().RealNs();
  if (!std::exchange(ailing_, true)) {
    spdlog::warn("history {}: {}; trying again", options_.path.string(), what);
  }
}

// SQLite would go on writing into a file that nobody can find any more.
void HistoryWriter::CheckPlace() {
  if (file_->IsThere()) return;
  Complain("the file was removed or replaced; a new one is begun");
  if (const auto reopened = file_->Reopen(); !reopened) Complain(reopened.error().message);
  const std::lock_guard lock(mutex_);
  closed_to_ = ids_.event;
}

void HistoryWriter::Tidy() {
  if (auto tidied = file_->Tidy(SystemClock().RealNs()); !tidied) {
    Complain(tidied.error().message);
  }
  const std::lock_guard lock(mutex_);
  closed_to_ = std::max(closed_to_, file_->deleted_to());
}

Result<std::unique_ptr<Writer>> Writer::Open(WriterOptions options) {
  auto file = HistoryFile::Open(options);
  if (!file) return tl::unexpected(file.error());
  auto told = (*file)->ReadTold();
  if (!told) return tl::unexpected(told.error());
  return std::make_unique<HistoryWriter>(std::move(options), std::move(*file), std::move(*told));
}

}  // namespace nsw::store
