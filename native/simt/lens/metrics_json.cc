// What the metrics observer answers.
#include <algorithm>
#include <tuple>

#include "counts.h"

namespace lab::simt::lens {

namespace {

const char* nameOf(Kind kind) {
  switch (kind) {
    case Kind::kRead: return "ld";
    case Kind::kWrite: return "st";
    case Kind::kAtomicRead: return "atomic_ld";
    case Kind::kAtomicWrite: return "atomic_st";
    case Kind::kMatrixRead: return "ldsm";
    case Kind::kAsyncIssue: return "ldgsts_ld";
    case Kind::kAsyncWrite: return "ldgsts_st";
    default: return "atom";
  }
}

const char* nameOf(Space space) {
  switch (space) {
    case Space::kGlobal: return "global";
    case Space::kShared: return "shared";
    case Space::kPeer: return "dshared";
    case Space::kModule: return "module";
    default: return "unknown";
  }
}

void field(std::string& text, const char* name, uint64_t value) {
  if (text.back() != '{') text += ',';
  text += '"';
  text += name;
  text += "\":";
  text += std::to_string(value);
}

class Writer {
 public:
  Writer(const Counts& counts, const Sites& sites, const CallStacks& stacks)
      : counts_(counts), sites_(sites), stacks_(stacks) {}
  std::string write() {
    text_ = "{\"accesses\":[";
    for (SiteId id : accessed()) access(sites_[id], *counts_.accesses[id]);
    text_ += "],\"blocks\":[";
    passes(Kind::kBranch);
    text_ += "],\"barriers\":[";
    passes(Kind::kBarrierArrive);
    text_ += "],\"warpMeetings\":[";
    passes(Kind::kWarpArrive);
    return text_ + "]}";
  }

 private:
  std::vector<SiteId> accessed() const {
    std::vector<SiteId> found;
    for (SiteId id = 0; id < counts_.accesses.size(); id++)
      if (counts_.accesses[id]) found.push_back(id);
    std::sort(found.begin(), found.end(), [this](SiteId left, SiteId right) {
      const Site &a = sites_[left], &b = sites_[right];
      return std::make_tuple(a.pc(), a.stack(), a.space(), a.kind(), a.bytes()) < std::make_tuple(b.pc(), b.stack(), b.space(), b.kind(), b.bytes());
    });
    return found;
  }
  std::vector<SiteId> passed(Kind kind) const {
    std::vector<SiteId> found;
    for (SiteId id = 0; id < counts_.passes.size(); id++)
      if (sites_[id].kind() == kind && counts_.passes[id].warps) found.push_back(id);
    std::sort(found.begin(), found.end(), [this](SiteId left, SiteId right) {
      const Site &a = sites_[left], &b = sites_[right];
      return std::make_tuple(a.stack(), a.pc()) < std::make_tuple(b.stack(), b.pc());
    });
    return found;
  }
  void place(const Site& site) {
    field(text_, "pc", site.pc());
    text_ += ",\"calls\":" + stacks_.json(site.stack());
  }
  void access(const Site& site, const AccessCount& count) {
    if (text_.back() == '}') text_ += ',';
    text_ += "{\"op\":\"" + std::string(nameOf(site.kind())) + "\",\"space\":\"" + nameOf(site.space()) + '"';
    place(site);
    field(text_, "width", site.bytes());
    field(text_, "requests", count.requests);
    field(text_, "lanes", count.lanes);
    field(text_, "bytes", count.bytes);
    field(text_, "cost", count.cost);
    field(text_, "ideal", count.ideal);
    field(text_, "least", count.least);
    field(text_, "most", count.most);
    text_ += ",\"worst\":";
    exemplar(count.worst);
    text_ += '}';
  }
  void exemplar(const Exemplar& worst) {
    text_ += '{';
    field(text_, "block", worst.block);
    field(text_, "warp", worst.warp);
    field(text_, "mask", worst.request.mask);
    field(text_, "cost", worst.cost);
    field(text_, "ideal", worst.ideal);
    text_ += ",\"addresses\":[";
    for (uint32_t lane = 0; lane < lab_simt::kWarpSize; lane++) {
      if (lane) text_ += ',';
      text_ += worst.request.mask >> lane & 1 ? std::to_string(worst.request.address[lane]) : "null";
    }
    text_ += "]}";
  }
  void passes(Kind kind) {
    for (SiteId id : passed(kind)) {
      const PassCount& count = counts_.passes[id];
      if (text_.back() == '}') text_ += ',';
      text_ += '{';
      place(sites_[id]);
      field(text_, "warps", count.warps);
      field(text_, "threads", count.threads);
      if (kind == Kind::kBranch) field(text_, "splits", count.splits);
      text_ += '}';
    }
  }

  const Counts& counts_;
  const Sites& sites_;
  const CallStacks& stacks_;
  std::string text_;
};

}  // namespace

std::string jsonOf(const Counts& counts, const Sites& sites, const CallStacks& stacks) {
  return Writer(counts, sites, stacks).write();
}

}  // namespace lab::simt::lens
