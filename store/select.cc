// SPDX-License-Identifier: Apache-2.0
#include "store/select.h"

#include <algorithm>

#include "engine/event/event.h"

namespace nsw::store {
namespace {

// No row is open for longer than that: what began earlier ended before `since`.
constexpr int64_t kLongestWindow = 600'000'000'000;

// The columns of a row, in the order of ReadRow. Operations have few of them.
constexpr std::string_view kEventColumns =
    "SELECT e.id, 0, e.first_ns, e.last_ns, e.count, c.container_id, c.name, c.image,"
    " c.k8s_namespace, c.k8s_pod, e.event, e.type, e.pid, e.ppid, p.uid, p.gid, e.flags, p.exe,"
    " p.name, p.cmdline, p.parent, e.object, e.result, e.detail, e.verdict,"
    " ifnull(r.name, a.rule), ifnull(r.policy, a.policy), a.priority, a.output,"
    " (SELECT count(*) FROM alerts x WHERE x.event_row = e.id)"
    " FROM events e LEFT JOIN containers c ON c.id = e.container"
    " LEFT JOIN programs p ON p.id = e.program LEFT JOIN rules r ON r.id = e.rule"
    " LEFT JOIN alerts a ON a.id = (SELECT min(x.id) FROM alerts x WHERE x.event_row = e.id";
constexpr std::string_view kAlertColumns =
    "SELECT e.id, 0, e.time_ns, e.time_ns, 1, c.container_id, c.name, c.image,"
    " c.k8s_namespace, c.k8s_pod, e.event, e.type, e.pid, e.ppid, p.uid, p.gid, e.flags, p.exe,"
    " p.name, p.cmdline, p.parent, e.object, e.result, e.detail, e.verdict, e.rule, e.policy,"
    " e.priority, e.output, 1"
    " FROM alerts e LEFT JOIN containers c ON c.id = e.container"
    " LEFT JOIN programs p ON p.id = e.program";
constexpr std::string_view kOperationColumns =
    "SELECT e.id, 1, e.time_ns, e.time_ns, e.count, NULL, NULL, NULL, NULL, NULL, 'operation',"
    " e.what, e.pid, 0, e.uid, 0, 0, NULL, NULL, NULL, NULL, e.detail, 0, '{}', e.verdict, r.name,"
    " r.policy, NULL, NULL, 0 FROM operations e LEFT JOIN rules r ON r.id = e.rule";

class Builder {
 public:
  Builder& Add(std::string_view sql) {
    select_.sql += sql;
    return *this;
  }
  Builder& Value(int64_t value) {
    select_.values.emplace_back(value);
    return *this;
  }
  Builder& Value(const std::string& text) {
    select_.values.emplace_back(text);
    return *this;
  }
  /// One more condition, with one value.
  template <typename T>
  Builder& Where(std::string_view condition, const T& value) {
    return Add(" AND ").Add(condition).Value(value);
  }
  Select Take() { return std::move(select_); }

 private:
  Select select_;
};

// An event with several paths is found by each of them, not by the one alone that is its object.
void AddPathFilter(Builder& out, const std::string& path) {
  out.Where("(nsw_glob(?, e.object)", path);
  for (const event::RecordField& field : event::RecordFields()) {
    if (field.encoding != event::Encoding::PATH || field.name == "cwd") continue;
    const std::string name(field.name);
    out.Add(" OR (e.event = ? AND nsw_glob(?, json_extract(e.detail, ?)))");
    out.Value(std::string(event::Info(field.event).name)).Value(path).Value("$." + name);
  }
  out.Add(")");
}

// The columns tell; the ids, by which rows lie in the file, spare reading the rest of it.
void AddTimes(Builder& out, const Filter& filter, std::string_view first, std::string_view last) {
  if (filter.since_ns) {
    const auto since = static_cast<int64_t>(*filter.since_ns);
    out.Where(std::string(last) + " >= ?", since);
    out.Where("e.id >= ?", since - kLongestWindow);
  }
  if (filter.until_ns) {
    const auto until = static_cast<int64_t>(*filter.until_ns);
    out.Where(std::string(first) + " <= ?", until);
    out.Where("e.id <= ? + (SELECT max(drift_ns) FROM clock)", until);
  }
}

// What holds for events and for alerts alike.
void AddFilters(Builder& out, const Filter& filter) {
  if (!filter.container.empty()) {
    out.Where(
        "e.container IN (SELECT id FROM containers WHERE nsw_container(?, name, container_id))",
        filter.container);
  }
  if (!filter.image.empty()) {
    out.Where("e.container IN (SELECT id FROM containers WHERE nsw_image(?, image))", filter.image);
  }
  if (!filter.event.empty()) {
    out.Where("(nsw_glob(?, e.event)", filter.event);
    out.Add(" OR nsw_glob(?, e.type))").Value(filter.event);
  }
  if (!filter.process.empty()) {
    out.Where("e.program IN (SELECT id FROM programs WHERE nsw_process(?, exe, name))",
              filter.process);
  }
  if (!filter.path.empty()) AddPathFilter(out, filter.path);
  if (!filter.address.empty()) out.Add(" AND nsw_address(e.object)");
  if (!filter.verdict.empty()) out.Where("e.verdict = ?", filter.verdict);
}

void AddEvents(Builder& out, const Filter& filter) {
  out.Add(kEventColumns);
  if (!filter.rule.empty()) out.Add(" AND nsw_glob(?, x.rule)").Value(filter.rule);
  out.Add(") WHERE 1");
  AddTimes(out, filter, "e.first_ns", "e.last_ns");
  AddFilters(out, filter);
  if (filter.rule.empty()) return;
  out.Add(" AND (a.id IS NOT NULL OR e.rule IN (SELECT id FROM rules WHERE nsw_glob(?, name)))");
  out.Value(filter.rule);
}

void AddAlerts(Builder& out, const Filter& filter) {
  out.Add(kAlertColumns).Add(" WHERE 1");
  AddTimes(out, filter, "e.time_ns", "e.time_ns");
  AddFilters(out, filter);
  if (!filter.rule.empty()) out.Where("nsw_glob(?, e.rule)", filter.rule);
}

// Operations are of no container and no process: a filter by these leaves none.
bool WantsOperations(const Filter& filter) {
  return !filter.alerts_only && filter.container.empty() && filter.image.empty() &&
         filter.process.empty() && filter.path.empty() && filter.address.empty();
}

void AddOperations(Builder& out, const Filter& filter) {
  out.Add(kOperationColumns).Add(" WHERE 1");
  AddTimes(out, filter, "e.time_ns", "e.time_ns");
  if (!filter.verdict.empty()) out.Where("e.verdict = ?", filter.verdict);
  if (!filter.rule.empty()) out.Where("nsw_glob(?, r.name)", filter.rule);
  if (filter.event.empty()) return;
  out.Where("(nsw_glob(?, 'operation')", filter.event);
  out.Add(" OR nsw_glob(?, e.what))").Value(filter.event);
}

void AddCursor(Builder& out, int64_t source, const Cursor* cursor) {
  if (cursor == nullptr) return;
  // Of two rows of one id that of source 0 comes first.
  out.Where(source > cursor->source ? "e.id >= ?" : "e.id > ?", cursor->id);
}

Select Make(const Filter& filter, const Cursor* cursor, size_t limit) {
  Builder out;
  if (filter.alerts_only) {
    AddAlerts(out, filter);
    AddCursor(out, 0, cursor);
  } else {
    AddEvents(out, filter);
    AddCursor(out, 0, cursor);
  }
  if (WantsOperations(filter)) {
    out.Add(" UNION ALL ");
    AddOperations(out, filter);
    AddCursor(out, 1, cursor);
  }
  out.Add(cursor == nullptr ? " ORDER BY 1 DESC, 2 DESC LIMIT ?" : " ORDER BY 1, 2 LIMIT ?");
  out.Value(static_cast<int64_t>(limit));
  return out.Take();
}

}  // namespace

void Select::Bind(Statement& statement) const {
  for (const auto& value : values) {
    std::visit([&](const auto& v) { statement.Put(v); }, value);
  }
}

Select NewestRows(const Filter& filter, size_t limit) { return Make(filter, nullptr, limit); }

Select NextRows(const Filter& filter, const Cursor& cursor, size_t limit) {
  return Make(filter, &cursor, limit);
}

Cursor ReadCursor(const Statement& statement) { return {statement.Int(0), statement.Int(1)}; }

Row ReadRow(const Statement& statement) {
  int column = 2;  // after the cursor's
  const auto number = [&](auto& out) {
    out = static_cast<std::remove_reference_t<decltype(out)>>(statement.Int(column++));
  };
  const auto text = [&](std::string& out) { out = statement.Text(column++); };
  Row row;
  number(row.first_ns);
  number(row.last_ns);
  number(row.count);
  for (auto* field : {&row.container_id, &row.container_name, &row.image, &row.k8s_namespace,
                      &row.k8s_pod, &row.event, &row.type}) {
    text(*field);
  }
  for (auto* field : {&row.pid, &row.ppid, &row.uid, &row.gid, &row.flags}) number(*field);
  for (auto* field : {&row.process, &row.process_name, &row.cmdline, &row.parent, &row.object}) {
    text(*field);
  }
  number(row.result);
  for (auto* field :
       {&row.detail, &row.verdict, &row.rule, &row.policy, &row.priority, &row.output}) {
    text(*field);
  }
  number(row.alerts);
  return row;
}

}  // namespace nsw::store
