#include "knowledge.h"

#include <algorithm>

namespace lab::simt::lens {

namespace {

template <typename T>
T& unshared(std::shared_ptr<T>& pointer) {
  if (!pointer) {
    pointer = std::make_shared<T>();
  } else if (pointer.use_count() > 1) {
    pointer = std::make_shared<T>(*pointer);
  }
  return *pointer;
}

}  // namespace

void Knowledge::reset(uint32_t home, uint32_t threads) {
  home_ = home;
  threads_ = threads;
  own_.reset();
  others_.reset();
}

const Time* Knowledge::find(uint32_t block) const {
  auto at = std::lower_bound(others_->begin(), others_->end(), block,
                             [](const Rows::value_type& entry, uint32_t wanted) { return entry.first < wanted; });
  return at != others_->end() && at->first == block ? at->second->data() : nullptr;
}

std::shared_ptr<Knowledge::Row>& Knowledge::slot(uint32_t block) {
  if (block == home_) return own_;
  Rows& rows = unshared(others_);
  auto at = std::lower_bound(rows.begin(), rows.end(), block,
                             [](const Rows::value_type& entry, uint32_t wanted) { return entry.first < wanted; });
  if (at == rows.end() || at->first != block) at = rows.insert(at, {block, nullptr});
  return at->second;
}

void Knowledge::learn(uint32_t block, uint32_t rank, Time time) {
  Row& row = unshared(slot(block));
  if (row.empty()) row.resize(threads_);
  row[rank] = std::max(row[rank], time);
}

void Knowledge::joinRow(uint32_t block, const std::shared_ptr<Row>& row) {
  if (!row) return;
  const Time* known = this->row(block);
  if (known == row->data()) return;
  std::shared_ptr<Row>& mine = slot(block);
  if (!mine) {
    mine = row;
    return;
  }
  bool news = false;
  for (size_t i = 0; i < row->size(); i++) news |= (*row)[i] > known[i];
  if (!news) return;
  Row& target = unshared(mine);
  for (size_t i = 0; i < row->size(); i++) target[i] = std::max(target[i], (*row)[i]);
}

void Knowledge::join(const Knowledge& other) {
  if (other.own_) joinRow(other.home_, other.own_);
  if (!other.others_ || other.others_ == others_) return;
  if (!others_ && home_ == other.home_) {
    others_ = other.others_;
    return;
  }
  for (const auto& [block, row] : *other.others_) joinRow(block, row);
}

}  // namespace lab::simt::lens
