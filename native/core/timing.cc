#include "timing.h"

#include <chrono>
#include <cstring>

#include "sensor_log.h"

namespace lab {
namespace {

// Handles above any a client counts up to.
constexpr uint32_t kHandles = 0xf0000000u;
constexpr uint32_t kOverheadPairs = 21;
// Runs between two looks at the clock while the device warms up.
constexpr uint32_t kWarmChunk = 16;

using Clock = std::chrono::steady_clock;
double since(Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); }

Status refuse(const std::string& what) {
  return Status::error("bad-options", "Timing work: " + what);
}

// Whether a batch may be run many times, and in a graph on the default stream only.
Status checkBatch(const Batch& batch, bool graph) {
  for (size_t at = 0; at + sizeof(Header) <= batch.size();) {
    Header header;
    std::memcpy(&header, batch.data() + at, sizeof header);
    if (header.bytes < sizeof header || header.bytes > batch.size() - at) break;  // the decoder names it
    uint32_t stream = 0;
    switch (static_cast<Op>(header.op)) {
      case Op::kLaunch: std::memcpy(&stream, batch.data() + at + offsetof(LaunchCmd, stream), 4); break;
      case Op::kFillPattern: std::memcpy(&stream, batch.data() + at + offsetof(FillPatternCmd, stream), 4); break;
      case Op::kCopy: std::memcpy(&stream, batch.data() + at + offsetof(CopyCmd, stream), 4); break;
      case Op::kFillRandom:
      case Op::kEventRecord:
      case Op::kStreamWait:
      case Op::kGraphLaunch:
      case Op::kTensorMap:
        if (!graph) break;
        return refuse("a graph holds launches, fills and copies only. Time it without { graph: true }.");
      default:
        return refuse("it allocates, frees or transfers (command " + std::to_string(header.op) +
                      "). Make tensors and write to them before, and only launch, fill and copy inside.");
    }
    if (graph && stream != 0)
      return refuse("a graph is captured from the default stream, and this enqueues on another.");
    at += header.bytes;
  }
  return {};
}

class Loop {
 public:
  Loop(Backend& backend, Decoder& decoder, const TimingRequest& request, TimingResult* out)
      : backend_(backend), decoder_(decoder), request_(request), out_(out) {}
  ~Loop() {
    for (uint32_t event = kHandles; event < nextEvent_; ++event) backend_.eventDestroy(event);
    for (uint32_t graph = kHandles; graph < nextGraph_; ++graph) backend_.graphDestroy(graph);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  Status run() {
    Status status = capture();
    if (status.ok()) status = warmUp();
    if (status.ok()) status = measureOverhead();
    if (status.ok()) status = takeSamples();
    return status;
  }

 private:
  struct Pair {
    uint32_t from = 0, to = 0;
  };

  // The first error of the commands so far.
  Status submit(const Batch& batch) {
    if (batch.empty()) return {};
    decoder_.submit(batch.data(), batch.size());
    return decoder_.takeError();
  }

  Status settle() {
    Status status = decoder_.note(backend_.synchronize(0, true));
    Status kept = decoder_.takeError();
    return kept.ok() ? status : kept;
  }

  Status record(uint32_t* event) {
    *event = nextEvent_++;
    return backend_.eventRecord(*event, 0);
  }

  size_t setOf(const TimedWork& work, uint32_t sample) const { return sample % work.sets.size(); }

  // A graph for every set, each holding a whole sample.
  Status capture() {
    graphs_.resize(request_.works.size());
    for (size_t w = 0; request_.graph && w < request_.works.size(); ++w) {
      for (const Batch& set : request_.works[w].sets) {
        Status status = backend_.graphBegin(0);
        if (!status.ok()) return status;
        for (uint32_t b = 0; b < request_.batch && status.ok(); ++b) status = submit(set);
        const uint32_t graph = nextGraph_++;
        Status ended = backend_.graphEnd(0, graph);
        if (status.ok()) status = ended;
        if (!status.ok()) return status;
        graphs_[w].push_back(graph);
      }
    }
    return {};
  }

  // What a sample times.
  Status once(size_t w, size_t set) {
    if (request_.graph) return backend_.graphLaunch(graphs_[w][set], 0);
    Status status;
    for (uint32_t b = 0; b < request_.batch && status.ok(); ++b) status = submit(request_.works[w].sets[set]);
    return status;
  }

  Status prepare(const TimedWork& work, size_t set) {
    return work.before.empty() ? Status() : submit(work.before[set]);
  }

  Status warmUp() {
    const Clock::time_point began = Clock::now();
    Status status;
    uint32_t i = 0, until = request_.warmup;
    do {
      for (; i < until && status.ok(); ++i) {
        for (size_t w = 0; w < request_.works.size() && status.ok(); ++w) {
          const TimedWork& work = request_.works[w];
          const size_t set = setOf(work, i);
          // Sustained work is not interrupted once it is under way: each set is prepared once.
          if (!request_.sustained || i < work.sets.size()) status = prepare(work, set);
          if (status.ok()) status = once(w, set);
        }
      }
      if (status.ok()) status = settle();
      until = i + kWarmChunk;
    } while (status.ok() && since(began) < request_.warmSeconds);
    return status;
  }

  // What the clock costs: events around nothing, taken as samples are. On a device with a queue the flush gives the
  // host the time to enqueue both; the CPU device runs a command when it is submitted.
  Status measureOverhead() {
    const bool queued = backend_.info().kind == "cuda";
    for (uint32_t i = 0; i < kOverheadPairs; ++i) {
      Pair pair;
      Status status = queued ? submit(request_.flush) : Status();
      if (status.ok()) status = record(&pair.from);
      if (status.ok()) status = record(&pair.to);
      double seconds = 0, idle = 0;
      if (status.ok()) status = backend_.elapsed(pair.from, pair.to, &seconds);
      if (status.ok()) status = backend_.unfinished(&idle);
      if (!status.ok()) return status;
      out_->overhead.push_back(seconds);
      out_->idle.push_back(idle);
    }
    return {};
  }

  Status takeSamples() {
    const size_t works = request_.works.size();
    out_->seconds.resize(works);
    out_->unfinished.resize(works);
    pairs_.resize(works);
    // With a flush every sample is taken alone, so that its end can be looked at; without one the device never waits.
    const bool alone = !request_.flush.empty() && !request_.sustained;
    Pair all;
    Status status = record(&all.from);
    if (status.ok()) status = settle();
    if (!status.ok()) return status;
    const Clock::time_point began = Clock::now();
    SensorLog sensors(backend_, &out_->state);
    for (uint32_t i = 0; i < request_.samples && status.ok(); ++i) {
      if (i == request_.refreshAt) status = submit(request_.refresh);
      for (size_t w = 0; w < works && status.ok(); ++w) status = sample(w, i, alone);
    }
    if (status.ok()) status = record(&all.to);
    if (status.ok()) status = settle();
    out_->hostSpan = since(began);  // before the sensors' last reading, which takes milliseconds
    sensors.stop();
    if (status.ok()) status = backend_.elapsed(all.from, all.to, &out_->eventSpan);
    for (size_t w = 0; w < works && !alone && status.ok(); ++w) {
      for (const Pair& pair : pairs_[w]) {
        double seconds = 0;
        if (status.ok()) status = backend_.elapsed(pair.from, pair.to, &seconds);
        out_->seconds[w].push_back(seconds);
      }
    }
    return status;
  }

  Status sample(size_t w, uint32_t i, bool alone) {
    const TimedWork& work = request_.works[w];
    const size_t set = setOf(work, i);
    Status status;
    if (!request_.sustained || i < work.sets.size()) status = prepare(work, set);
    if (status.ok() && alone) status = backend_.resetPersistingLines(&out_->persistingReset);
    // The flush comes last: while it runs, the host enqueues the work, so that the start event does not wait for it.
    if (status.ok() && alone) status = submit(request_.flush);
    Pair pair;
    if (status.ok()) status = record(&pair.from);
    if (status.ok()) status = once(w, set);
    // On the device's default stream, which waits for all the others: work put on one of them is inside, too.
    if (status.ok()) status = record(&pair.to);
    if (!status.ok()) return status;
    const bool last = i + 1 == request_.samples;
    if (alone || last) {
      double seconds = 0, late = 0;
      status = backend_.elapsed(pair.from, pair.to, &seconds);
      if (status.ok()) status = backend_.unfinished(&late);
      if (status.ok()) status = decoder_.takeError();
      if (alone) out_->seconds[w].push_back(seconds);
      out_->unfinished[w].push_back(late);
    }
    if (!alone) pairs_[w].push_back(pair);
    return status.ok() && i == work.keepAt ? submit(work.keep) : status;
  }

  Backend& backend_;
  Decoder& decoder_;
  const TimingRequest& request_;
  TimingResult* out_;
  std::vector<std::vector<uint32_t>> graphs_;
  std::vector<std::vector<Pair>> pairs_;
  uint32_t nextEvent_ = kHandles, nextGraph_ = kHandles;
};

}  // namespace

Status runTiming(Backend& backend, Decoder& decoder, const TimingRequest& request, TimingResult* out) {
  if (request.works.empty() || request.samples == 0 || request.batch == 0)
    return refuse("expected some work, a sample or more, and a batch of 1 or more.");
  for (const TimedWork& work : request.works) {
    if (work.sets.empty() || (!work.before.empty() && work.before.size() != work.sets.size()))
      return refuse("expected a set or more of commands, and as many preparations or none.");
    for (const Batch& set : work.sets) {
      Status status = checkBatch(set, request.graph);
      if (!status.ok()) return status;
    }
  }
  Status status = decoder.takeError();
  return status.ok() ? Loop(backend, decoder, request, out).run() : status;
}

}  // namespace lab
