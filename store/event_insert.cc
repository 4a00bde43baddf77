// SPDX-License-Identifier: Apache-2.0
#include "store/event_insert.h"

namespace nsw::store {

Result<EventInsert> EventInsert::Open(Database& database) {
  constexpr std::string_view kValues = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
  std::string sql = "INSERT INTO events VALUES";
  sql += kValues;
  EventInsert out;
  auto one = database.Prepare(sql);
  if (!one) return tl::unexpected(one.error());
  for (size_t i = 1; i < kRows; i++) sql.append(",").append(kValues);
  auto all = database.Prepare(sql);
  if (!all) return tl::unexpected(all.error());
  out.one_ = std::move(*one);
  out.all_ = std::move(*all);
  return out;
}

void EventInsert::Put(Statement& statement, const EventRow& row) {
  statement.Put(row.id).Put(row.first_ns).Put(row.last_ns).Put(row.count);
  row.container == 0 ? statement.PutNull() : statement.Put(row.container);
  statement.Put(row.program).Put(row.event).Put(row.type).Put(row.pid).Put(row.ppid);
  statement.Put(row.object).Put(row.result).Put(row.flags).PutTextOrNull(row.verdict);
  row.rule < 0 ? statement.PutNull() : statement.Put(row.rule);
  statement.Put(row.detail);
}

Status EventInsert::Commit() {
  if (++used_ < kRows) return {};
  used_ = 0;
  for (const EventRow& row : rows_) Put(all_, row);
  return all_.Run();
}

Status EventInsert::Flush() {
  for (size_t i = 0; i < used_; i++) {
    Put(one_, rows_[i]);
    if (auto done = one_.Run(); !done) return done;
  }
  used_ = 0;
  return {};
}

}  // namespace nsw::store
