// SPDX-License-Identifier: Apache-2.0
#include "store/history_file.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "engine/base/clock.h"
#include "store/describe.h"
#include "store/file.h"
#include "store/json_text.h"
#include "store/retention.h"

namespace nsw::store {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kEpoch = 3600 * kSecond;
constexpr size_t kInternerBytes = 16 << 20;
constexpr int64_t kTidyRows = 500;     // in one transaction
constexpr int64_t kTidyBudget = 2000;  // rows in one go, at least

int64_t Signed(uint64_t value) { return static_cast<int64_t>(value); }

std::string TagsJson(const std::vector<std::string>& tags) {
  std::string out = "[";
  for (const std::string& tag : tags) {
    if (out.size() > 1) out += ',';
    AppendJson(out, tag);
  }
  return out + "]";
}

void AppendValue(std::string& out, const alert::FieldValue& value) {
  if (const auto* truth = std::get_if<bool>(&value)) {
    out += *truth ? "true" : "false";
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    AppendJson(out, *text);
  } else {
    out += "null";
  }
}

std::string FieldsJson(const alert::Alert& alert) {
  std::string out = "{";
  for (const auto& [name, value] : alert.output_fields) {
    if (out.size() > 1) out += ',';
    AppendJson(out, name);
    out += ':';
    AppendValue(out, value);
  }
  return out + "}";
}

}  // namespace

Result<std::unique_ptr<HistoryFile>> HistoryFile::Open(const WriterOptions& options) {
  auto path = PrepareDirectory(options.path);
  if (!path) return tl::unexpected(path.error());
  std::unique_ptr<HistoryFile> history(new HistoryFile(options));
  history->options_.path = *path;
  if (auto loaded = history->Load(); !loaded) return tl::unexpected(loaded.error());
  return history;
}

Status HistoryFile::Load() {
  auto file = OpenForWriting(options_.path);
  if (!file) return tl::unexpected(file.error());
  file_ = std::move(*file);
  Database& database = file_.database;
  const std::pair<int64_t*, const char*> ids[] = {
      {&last_.event, "SELECT max(id) FROM events"},
      {&last_.alert, "SELECT max(id) FROM alerts"},
      {&last_.operation, "SELECT max(id) FROM operations"},
      {&drift_ns_, "SELECT max(drift_ns) FROM clock"},
  };
  for (const auto& [id, sql] : ids) {
    const auto number = database.Number(sql);
    if (!number) return tl::unexpected(number.error());
    *id = std::max(*id, *number);  // after a reopening ids go on where they were
  }
  const auto interned = database.Number(
      "SELECT max(ifnull((SELECT max(id) FROM containers), 0),"
      " ifnull((SELECT max(id) FROM programs), 0))");
  if (!interned) return tl::unexpected(interned.error());
  auto interner = Interner::Open(database, *interned + 1);
  if (!interner) return tl::unexpected(interner.error());
  interner_ = std::make_unique<Interner>(std::move(*interner));
  epoch_due_ = names_due_ = clock_due_ = true;
  return PrepareAll();
}

Status HistoryFile::PrepareAll() {
  const std::pair<Statement*, const char*> statements[] = {
      {&add_count_, "UPDATE events SET count = count + ?, last_ns = max(last_ns, ?) WHERE id = ?"},
      {&add_alert_, "INSERT INTO alerts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"},
      {&add_operation_, "INSERT INTO operations VALUES(?,?,?,?,?,?,?,?,?)"},
      {&add_rule_, "INSERT OR REPLACE INTO rules VALUES(?,?,?)"},
      {&add_epoch_, "INSERT INTO epochs VALUES(?,?,?)"},
      {&set_told_, "INSERT OR REPLACE INTO told VALUES(?,?,?,?)"},
      {&set_clock_, "UPDATE clock SET drift_ns = ?"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = file_.database.Prepare(sql);
    if (!prepared) return tl::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  auto add_event = EventInsert::Open(file_.database);
  if (!add_event) return tl::unexpected(add_event.error());
  add_event_ = std::move(*add_event);
  return {};
}

bool HistoryFile::IsThere() const { return IsStillThere(options_.path, file_.claim); }

Status HistoryFile::Reopen() {
  // A damaged file is moved aside by OpenForWriting only if it finds the damage; this one was met.
  if (damaged_ && IsThere()) {
    if (auto aside = MoveAside(options_.path); !aside) return tl::unexpected(aside.error());
  }
  damaged_ = false;
  interner_.reset();
  for (Statement* statement : {&add_count_, &add_alert_, &add_operation_, &add_rule_, &add_epoch_,
                               &set_told_, &set_clock_}) {
    *statement = Statement();
  }
  add_event_ = EventInsert();
  file_.database = Database();  // before the claim: see OpenFile
  file_.claim.Reset();
  return Load();
}

Result<Applied> HistoryFile::Apply(const Batch& batch) {
  if (file_.database.handle() == nullptr) {  // an earlier Reopen failed
    if (auto loaded = Load(); !loaded) return tl::unexpected(loaded.error());
  }
  Applied applied;
  const Status written = Write(batch, applied);
  if (written) {
    last_ = next_last_;
    names_due_ = clock_due_ = false;
    rows_since_tidy_ += applied.rows + applied.alerts;
    return applied;
  }
  damaged_ = IsCorrupt(file_.database.error_code());
  if (file_.database.in_transaction()) (void)file_.database.Exec("ROLLBACK");
  interner_->Forget();  // its last rows were rolled back
  epoch_due_ = names_due_ = clock_due_ = true;
  return tl::unexpected(written.error());
}

Status HistoryFile::Write(const Batch& batch, Applied& applied) {
  next_last_ = last_;
  add_event_.Clear();
  for (const RuleName& name : batch.rules()) {
    names_[name.id] = name;
    names_due_ = true;
  }
  if (auto done = file_.database.Exec("BEGIN IMMEDIATE"); !done) return done;
  if (auto done = WriteEpoch(); !done) return done;
  if (auto done = WriteNames(batch); !done) return done;
  Status status;
  batch.ForEachRow([&](const NewRow& row) {
    status = WriteRow(batch, row, applied);
    return status.has_value();
  });
  if (!status) return status;
  if (auto done = add_event_.Flush(); !done) return done;
  if (auto done = WriteCounts(batch, applied); !done) return done;
  if (auto done = WriteOperations(batch); !done) return done;
  if (auto done = WriteClock(); !done) return done;
  return file_.database.Exec("COMMIT");
}

Status HistoryFile::WriteEpoch() {
  const uint64_t now = SystemClock().BootNs();
  if (interner_->bytes() > kInternerBytes || now - epoch_ns_ > kEpoch) {
    interner_->Forget();
    epoch_due_ = true;
  }
  if (!epoch_due_) return {};
  epoch_due_ = false;
  epoch_ns_ = now;
  return add_epoch_.Put(last_.event + 1).Put(last_.alert + 1).Put(interner_->next_id()).Run();
}

Status HistoryFile::WriteNames(const Batch& batch) {
  if (names_due_) {
    for (const auto& [id, rule] : names_) {
      if (auto done = add_rule_.Put(id).Put(rule.name).Put(rule.policy).Run(); !done) return done;
    }
  }
  for (const NamedContainer& container : batch.containers()) {
    RowTexts texts;
    std::ranges::copy(container.texts, texts.begin());
    if (auto done = interner_->NameContainer(container.home, texts); !done) return done;
  }
  return {};
}

Status HistoryFile::WriteRow(const Batch& batch, const NewRow& row, Applied& applied) {
  const bool is_alert = row.alert_at != kNoIndex;
  const uint64_t count = row.count_at == kNoIndex ? 1 : batch.counts()[row.count_at].count;
  EventCounts& counts = applied.events[static_cast<size_t>(row.type)];
  if (event::Decode(row.record(), event_) != event::DecodeError::kNone) {
    counts.lost_error += is_alert ? 0 : count;  // it was decoded before; so it does not happen
    return {};
  }
  if (auto done = FindActor(row, event_); !done) return done;
  if (is_alert) {
    applied.alerts++;
    return WriteAlert(batch.alerts()[row.alert_at], event_);
  }
  counts.stored += count;
  applied.rows++;
  return WriteEvent(batch, row, event_);
}

// Who did it: the rows that its container and its program have.
Status HistoryFile::FindActor(const NewRow& row, const event::Event& event) {
  const nsw_header& h = event.header();
  const RowTexts texts = row.texts();
  container_ = 0;
  if (h.home != 0 || !texts[kContainerId].empty()) {
    const auto id = interner_->Container(h.home, texts);
    if (!id) return tl::unexpected(id.error());
    container_ = *id;
  }
  const auto id = interner_->Program(texts, h.uid, h.gid);
  if (!id) return tl::unexpected(id.error());
  program_ = *id;
  return {};
}

Status HistoryFile::WriteEvent(const Batch& batch, const NewRow& row, const event::Event& event) {
  const nsw_header& h = event.header();
  const bool once = row.count_at == kNoIndex;
  const uint64_t last = once ? row.first_ns : batch.counts()[row.count_at].last_ns;
  const uint64_t count = once ? 1 : batch.counts()[row.count_at].count;
  next_last_.event = std::max(next_last_.event, row.id);
  NoteDrift(row.id, row.first_ns);
  EventRow& out = add_event_.next();
  out.id = row.id;
  out.first_ns = Signed(row.first_ns);
  out.last_ns = Signed(last);
  out.count = Signed(count);
  out.container = container_;
  out.program = program_;
  out.event = event::Info(event.type()).name;
  out.type = event.type_name();
  out.pid = h.pid;
  out.ppid = h.ppid;
  out.object.clear();
  AppendObject(event, out.object);
  out.result = h.result;
  out.flags = h.flags;
  out.verdict = alert::VerdictName(row.verdict);
  out.rule = row.rule;
  out.detail.clear();
  AppendDetail(event, out.detail);
  return add_event_.Commit();
}

Status HistoryFile::WriteAlert(const NewAlert& entry, const event::Event& event) {
  const nsw_header& h = event.header();
  const alert::Alert& alert = entry.alert;
  const std::string tags = TagsJson(alert.tags);
  const std::string fields = FieldsJson(alert);
  std::string object;
  std::string detail;
  AppendObject(event, object);
  AppendDetail(event, detail);
  next_last_.alert = std::max(next_last_.alert, entry.id);
  NoteDrift(entry.id, alert.time_ns);
  Statement& add = add_alert_;
  add.Put(entry.id);
  entry.event_row == 0 ? add.PutNull() : add.Put(entry.event_row);
  add.Put(Signed(alert.time_ns)).Put(alert.rule).PutTextOrNull(alert.policy);
  add.Put(rule::PriorityName(alert.priority));
  add.PutTextOrNull(alert::VerdictName(alert.verdict)).PutTextOrNull(alert.action);
  add.Put(alert.output).Put(tags).Put(fields);
  container_ == 0 ? add.PutNull() : add.Put(container_);
  add.Put(program_).Put(event::Info(event.type()).name).Put(event.type_name());
  add.Put(h.pid).Put(h.ppid).Put(object).Put(h.result).Put(h.flags).Put(detail);
  return add.Run();
}

Status HistoryFile::WriteCounts(const Batch& batch, Applied& applied) {
  for (const Count& count : batch.counts()) {
    if (count.is_new) continue;
    add_count_.Put(Signed(count.count)).Put(Signed(count.last_ns)).Put(count.row);
    if (auto done = add_count_.Run(); !done) return done;
    // A row that retention took meanwhile had its time; one whose batch was lost is lost.
    const bool there = file_.database.changes() > 0 || count.row <= deleted_to_;
    EventCounts& counts = applied.events[static_cast<size_t>(count.type)];
    (there ? counts.stored : counts.lost_error) += count.count;
  }
  return {};
}

Status HistoryFile::WriteOperations(const Batch& batch) {
  for (const Operation& operation : batch.operations()) {
    add_operation_.Put(operation.id).Put(Signed(operation.time_ns)).Put(operation.what);
    add_operation_.Put(operation.detail).Put(operation.uid).Put(operation.pid);
    add_operation_.Put(Signed(operation.acts));
    add_operation_.PutTextOrNull(alert::VerdictName(operation.verdict));
    operation.rule < 0 ? add_operation_.PutNull() : add_operation_.Put(operation.rule);
    if (auto done = add_operation_.Run(); !done) return done;
    if (auto done = WriteTold(operation); !done) return done;
    next_last_.operation = std::max(next_last_.operation, operation.id);
    NoteDrift(operation.id, operation.time_ns);
  }
  return {};
}

// In the transaction that tells of them: whoever finds the one finds the other.
Status HistoryFile::WriteTold(const Operation& operation) {
  if (operation.counter.empty() || operation.counted == 0) return {};
  set_told_.Put(operation.counter).Put(operation.rule).Put(Signed(operation.counted));
  return set_told_.Put(Signed(operation.time_ns)).Run();
}

Result<std::map<std::string, Told>> HistoryFile::ReadTold() {
  auto rows = file_.database.Prepare("SELECT counter, rule, counted FROM told");
  if (!rows) return tl::unexpected(rows.error());
  std::map<std::string, Told> told;
  for (auto more = rows->Step();; more = rows->Step()) {
    if (!more) return tl::unexpected(more.error());
    if (!*more) return told;
    const auto rule = static_cast<uint32_t>(rows->Int(1));
    told[std::string(rows->Text(0))][rule] = static_cast<uint64_t>(rows->Int(2));
  }
}

// Doubled, so that it is seldom written.
void HistoryFile::NoteDrift(int64_t id, uint64_t time_ns) {
  const int64_t drift = id - Signed(time_ns);
  if (drift <= drift_ns_) return;
  drift_ns_ = drift < INT64_MAX / 2 ? drift * 2 : drift;
  clock_due_ = true;
}

Status HistoryFile::WriteClock() { return clock_due_ ? set_clock_.Put(drift_ns_).Run() : Status(); }

Status HistoryFile::Tidy(uint64_t now_ns) {
  const uint64_t now = SystemClock().BootNs();
  if (file_.database.handle() == nullptr || now - tidied_ns_ < kSecond) return {};
  // It deletes up to twice as fast as rows come, so that it keeps up with any flood.
  int64_t budget = std::max(kTidyBudget, 2 * Signed(rows_since_tidy_));
  const RetentionLimits limits{options_.retention_ns, options_.max_bytes};
  tidied_ns_ = now;
  rows_since_tidy_ = 0;
  for (bool more = true; more && budget > 0; budget -= kTidyRows) {
    const auto step = ApplyRetention(file_.database, limits, now_ns, kTidyRows);
    if (!step) {
      damaged_ = IsCorrupt(file_.database.error_code());
      return tl::unexpected(step.error());
    }
    deleted_to_ = std::max(deleted_to_, step->deleted_to);
    more = step->more;
  }
  return {};
}

}  // namespace nsw::store
