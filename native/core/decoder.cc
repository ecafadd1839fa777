#include "decoder.h"

#include <cstring>

#include "dtype.h"
#include "random.h"

namespace lab {
namespace {

// The encoder in TypeScript writes these sizes; a change on one side only must not build.
static_assert(sizeof(AllocCmd) == 24 && sizeof(FreeCmd) == 16 && sizeof(FillPatternCmd) == 48, "layout");
static_assert(sizeof(FillRandomCmd) == 80 && sizeof(TransferCmd) == 40 && sizeof(CopyCmd) == 48, "layout");
static_assert(sizeof(LaunchCmd) == 72 && sizeof(Patch) == 24 && sizeof(EventCmd) == 16, "layout");
static_assert(sizeof(StreamCmd) == 16 && sizeof(GraphCmd) == 16 && sizeof(TensorMapCmd) == 160, "layout");

Status malformed(const std::string& what) {
  return Status::error(
      "invalid-command",
      "Reading a command batch: " + what +
          ". The library and its native addon may be of different versions: run npm run build.");
}

std::string text(uint64_t value) { return std::to_string(value); }

// Copies a record out, since a batch may lie at any alignment.
template <typename T>
bool read(const uint8_t* record, const Header& header, T* out) {
  if (header.bytes != sizeof(T)) return false;
  std::memcpy(out, record, sizeof(T));
  return true;
}

}  // namespace

void Decoder::attachStaging(void* memory, uint64_t bytes) {
  staging_ = static_cast<uint8_t*>(memory);
  stagingBytes_ = bytes;
  backend_.attachStaging(memory, bytes);
}

void Decoder::submit(const uint8_t* batch, uint64_t bytes) {
  uint64_t at = 0;
  while (at < bytes && fatal_.ok()) {
    Header header;
    if (bytes - at < sizeof header) {
      note(malformed("it ends inside a record's header"));
      return;
    }
    std::memcpy(&header, batch + at, sizeof header);
    // What follows a record of a wrong size cannot be found, so the rest of the batch is dropped.
    if (header.bytes < sizeof header || header.bytes % 8 != 0 || header.bytes > bytes - at) {
      note(malformed("a record of op " + text(header.op) + " claims " + text(header.bytes) + " bytes, " +
                     text(bytes - at) + " are left"));
      return;
    }
    Status status = dispatch(batch + at, header);
    if (!status.ok()) note(std::move(status));
    at += header.bytes;
  }
}

Status Decoder::note(Status status) {
  if (status.fatal && fatal_.ok()) fatal_ = status;
  if (!status.ok() && first_.ok()) first_ = status;
  return status;
}

Status Decoder::takeError() {
  Status status = fatal_.ok() ? std::move(first_) : fatal_;
  first_ = {};
  return status;
}

Status Decoder::dispatch(const uint8_t* record, const Header& header) {
  switch (static_cast<Op>(header.op)) {
    case Op::kAlloc: {
      AllocCmd c;
      if (read(record, header, &c)) return alloc(c);
      break;
    }
    case Op::kFree: {
      FreeCmd c;
      if (read(record, header, &c)) return freeBuffer(c);
      break;
    }
    case Op::kFillPattern: {
      FillPatternCmd c;
      if (read(record, header, &c)) return fillPattern(c);
      break;
    }
    case Op::kFillRandom: {
      FillRandomCmd c;
      if (read(record, header, &c)) return fillRandom(c);
      break;
    }
    case Op::kUpload: {
      TransferCmd c;
      if (read(record, header, &c)) return transfer(c, true);
      break;
    }
    case Op::kDownload: {
      TransferCmd c;
      if (read(record, header, &c)) return transfer(c, false);
      break;
    }
    case Op::kCopy: {
      CopyCmd c;
      if (read(record, header, &c)) return copy(c);
      break;
    }
    case Op::kLaunch: return launch(record, header);
    case Op::kEventRecord: {
      EventCmd c;
      if (read(record, header, &c)) return backend_.eventRecord(c.event, c.stream);
      break;
    }
    case Op::kEventDestroy: {
      EventCmd c;
      if (read(record, header, &c)) return backend_.eventDestroy(c.event);
      break;
    }
    case Op::kStreamCreate: {
      StreamCmd c;
      if (read(record, header, &c)) return backend_.streamCreate(c.stream);
      break;
    }
    case Op::kStreamDestroy: {
      StreamCmd c;
      if (read(record, header, &c)) return backend_.streamDestroy(c.stream);
      break;
    }
    case Op::kStreamWait: {
      StreamCmd c;
      if (read(record, header, &c)) return backend_.streamWait(c.stream, c.event);
      break;
    }
    case Op::kGraphBegin: {
      GraphCmd c;
      if (read(record, header, &c)) return backend_.graphBegin(c.stream);
      break;
    }
    case Op::kGraphEnd: {
      GraphCmd c;
      if (read(record, header, &c)) return backend_.graphEnd(c.stream, c.graph);
      break;
    }
    case Op::kGraphLaunch: {
      GraphCmd c;
      if (read(record, header, &c)) return backend_.graphLaunch(c.graph, c.stream);
      break;
    }
    case Op::kGraphDestroy: {
      GraphCmd c;
      if (read(record, header, &c)) return backend_.graphDestroy(c.graph);
      break;
    }
    case Op::kTensorMap: {
      TensorMapCmd c;
      if (read(record, header, &c)) return tensorMap(c);
      break;
    }
    default: return malformed("op " + text(header.op) + " is unknown");
  }
  return malformed("a record of op " + text(header.op) + " has " + text(header.bytes) +
                   " bytes, not its size");
}

Status Decoder::alloc(const AllocCmd& cmd) {
  if (cmd.buffer == 0 || find(cmd.buffer))
    return malformed("buffer " + text(cmd.buffer) + " cannot be allocated: 0 or in use");
  Buffer buffer;
  // An empty tensor takes one byte, so that its address is one of its own.
  Status status = backend_.alloc(cmd.bytes ? cmd.bytes : 1, &buffer.address);
  buffer.bytes = cmd.bytes;
  buffer.failed = !status.ok();
  buffers_.emplace(cmd.buffer, buffer);
  return status;
}

Status Decoder::freeBuffer(const FreeCmd& cmd) {
  const auto at = buffers_.find(cmd.buffer);
  if (at == buffers_.end()) return malformed("buffer " + text(cmd.buffer) + " to be freed is unknown");
  const Buffer buffer = at->second;
  buffers_.erase(at);
  if (!buffer.failed && !buffer.module && buffer.bytes) {
    if (freed_.size() == kFreedKept) freed_.pop_front();
    freed_.emplace_back(buffer.address, buffer.bytes);
  }
  return buffer.failed || buffer.module ? Status() : backend_.free(buffer.address);
}

Status Decoder::fillPattern(const FillPatternCmd& cmd) {
  if (cmd.width != 1 && cmd.width != 2 && cmd.width != 4 && cmd.width != 8)
    return malformed("a fill has elements of " + text(cmd.width) + " bytes");
  if (cmd.offset % cmd.width != 0 || cmd.count > UINT64_MAX / cmd.width)
    return malformed("a fill's range is misaligned or too large");
  uint64_t address;
  Status status = resolve(cmd.buffer, cmd.offset, cmd.count * cmd.width, "Filling", &address);
  if (!status.ok() || cmd.count == 0) return status;
  return backend_.fillPattern(address, cmd.width, cmd.count, cmd.pattern, cmd.stream);
}

Status Decoder::fillRandom(const FillRandomCmd& cmd) {
  Status status = checkRandom(cmd);
  if (!status.ok()) return status;
  const uint64_t width = elementBytes(cmd.dtype);
  if (cmd.offset % width != 0 || cmd.count > UINT64_MAX / width)
    return malformed("a random fill's range is misaligned or too large");
  uint64_t address;
  status = resolve(cmd.buffer, cmd.offset, cmd.count * width, "Filling", &address);
  return !status.ok() || cmd.count == 0 ? status : backend_.fillRandom(address, cmd);
}

Status Decoder::transfer(const TransferCmd& cmd, bool toDevice) {
  if (cmd.staging > stagingBytes_ || cmd.bytes > stagingBytes_ - cmd.staging) {
    return malformed("a transfer of " + text(cmd.bytes) + " bytes at " + text(cmd.staging) +
                     " leaves the staging segment of " + text(stagingBytes_));
  }
  uint64_t address;
  Status status =
      resolve(cmd.buffer, cmd.offset, cmd.bytes, toDevice ? "Uploading" : "Reading back", &address);
  if (!status.ok() || cmd.bytes == 0) return status;
  return toDevice ? backend_.upload(address, staging_ + cmd.staging, cmd.bytes, cmd.stream)
                  : backend_.download(staging_ + cmd.staging, address, cmd.bytes, cmd.stream);
}

Status Decoder::copy(const CopyCmd& cmd) {
  uint64_t to, from;
  Status status = resolve(cmd.dst, cmd.dstOffset, cmd.bytes, "Copying to", &to);
  if (status.ok()) status = resolve(cmd.src, cmd.srcOffset, cmd.bytes, "Copying from", &from);
  return !status.ok() || cmd.bytes == 0 ? status : backend_.copy(to, from, cmd.bytes, cmd.stream);
}

Status Decoder::launch(const uint8_t* record, const Header& header) {
  LaunchCmd cmd;
  if (header.bytes < sizeof cmd) return malformed("a launch is shorter than its fixed part");
  std::memcpy(&cmd, record, sizeof cmd);
  if (cmd.argBytes > sizeof args_)
    return malformed("a launch has " + text(cmd.argBytes) + " bytes of arguments, more than " +
                     text(sizeof args_));
  const uint64_t padded = (cmd.argBytes + 7ull) & ~7ull;
  if (sizeof cmd + padded + uint64_t{cmd.patchCount} * sizeof(Patch) != header.bytes)
    return malformed("a launch's arguments and patches do not fill its record");
  const uint8_t* args = record + sizeof cmd;
  std::memcpy(args_, args, cmd.argBytes);
  for (uint32_t i = 0; i < cmd.patchCount; ++i) {
    Patch patch;
    std::memcpy(&patch, args + padded + i * sizeof patch, sizeof patch);
    Status status = applyPatch(patch, cmd.argBytes);
    if (!status.ok()) return status;
  }
  Launch launch{cmd.kernel, cmd.stream, {}, {}, {}, cmd.dynamicShared, cmd.flags, args_, cmd.argBytes};
  std::memcpy(launch.grid, cmd.grid, sizeof launch.grid);
  std::memcpy(launch.block, cmd.block, sizeof launch.block);
  std::memcpy(launch.cluster, cmd.cluster, sizeof launch.cluster);
  return backend_.launch(launch);
}

Status Decoder::applyPatch(const Patch& patch, uint32_t argBytes) {
  const uint64_t width = patch.kind == static_cast<uint32_t>(PatchKind::kTensorMap) ? 128 : 8;
  if (uint64_t{patch.offset} + width > argBytes)
    return malformed("a patch at " + text(patch.offset) + " leaves the arguments");
  if (patch.kind == static_cast<uint32_t>(PatchKind::kBuffer)) {
    uint64_t address;
    Status status = resolve(patch.handle, patch.delta, 0, "Launching with", &address);
    if (status.ok()) std::memcpy(args_ + patch.offset, &address, sizeof address);
    return status;
  }
  if (patch.kind != static_cast<uint32_t>(PatchKind::kTensorMap))
    return malformed("a patch is of kind " + text(patch.kind));
  const auto map = maps_.find(patch.handle);
  if (map == maps_.end()) return malformed("tensor map " + text(patch.handle) + " is unknown");
  std::memcpy(args_ + patch.offset, map->second.bytes, sizeof map->second.bytes);
  return {};
}

Status Decoder::tensorMap(const TensorMapCmd& cmd) {
  if (cmd.map == 0 || cmd.rank < 1 || cmd.rank > 5)
    return malformed("a tensor map has handle " + text(cmd.map) + " and rank " + text(cmd.rank));
  uint64_t address;
  Status status = resolve(cmd.buffer, cmd.offset, 0, "Making a tensor map of", &address);
  TensorMapBytes map{};
  if (status.ok()) status = backend_.tensorMap(cmd, address, map.bytes);
  if (status.ok()) maps_[cmd.map] = map;
  return status;
}

Status Decoder::bindSymbol(uint32_t module, uint32_t buffer, uint64_t address, uint64_t bytes) {
  if (buffer == 0 || find(buffer))
    return malformed("buffer " + text(buffer) + " cannot be bound: 0 or in use");
  buffers_.emplace(buffer, Buffer{address, bytes, module, false});
  return {};
}

std::vector<std::pair<uint64_t, uint64_t>> Decoder::freedRanges() const {
  std::vector<std::pair<uint64_t, uint64_t>> gone;
  for (const auto& [address, bytes] : freed_) {
    const uint64_t end = address + bytes;
    bool taken = false;
    for (const auto& [handle, buffer] : buffers_)
      taken = taken || (buffer.address < end && address < buffer.address + buffer.bytes);
    if (!taken) gone.emplace_back(address, bytes);
  }
  return gone;
}

void Decoder::dropModule(uint32_t module) {
  for (auto at = buffers_.begin(); at != buffers_.end();)
    at = at->second.module == module && module ? buffers_.erase(at) : std::next(at);
}

Status Decoder::resolve(uint32_t buffer, uint64_t offset, uint64_t bytes, const char* doing,
                        uint64_t* address) const {
  const Buffer* found = find(buffer);
  if (!found || found->failed) {
    return Status::error("freed-tensor",
                         std::string(doing) + " a tensor: its device memory (buffer " + text(buffer) + ") " +
                             (found ? "could not be allocated" : "does not exist or was freed") +
                             ". Make a new tensor.");
  }
  if (offset > found->bytes || bytes > found->bytes - offset) {
    return Status::error("out-of-range", std::string(doing) + " a tensor: " + text(bytes) +
                                             " bytes at offset " + text(offset) + " leave its " +
                                             text(found->bytes) + " bytes.");
  }
  *address = found->address + offset;
  return {};
}

const Decoder::Buffer* Decoder::find(uint32_t buffer) const {
  const auto at = buffers_.find(buffer);
  return at == buffers_.end() ? nullptr : &at->second;
}

}  // namespace lab
