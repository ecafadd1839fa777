// Every observer there is, by the name that asks for it.
#include "events.h"
#include "metrics.h"

namespace lab::simt::lens {

std::unique_ptr<Observer> makeHazards(const ObserverOptions& options);
std::unique_ptr<Observer> makeStepRecorder(const ObserverOptions& options);

namespace {
struct Named {
  const char* name;
  std::unique_ptr<Observer> (*make)(const ObserverOptions&);
};
// One line an observer; its factory is declared in its own header.
const std::vector<Named>& known() {
  static const std::vector<Named> list = {
      {"metrics", makeMetrics}, {"hazards", makeHazards}, {"steps", makeStepRecorder}};
  return list;
}
}  // namespace

std::unique_ptr<Observer> makeObserver(const std::string& name, const ObserverOptions& options) {
  for (const Named& one : known())
    if (name == one.name) return one.make(options);
  return nullptr;
}

}  // namespace lab::simt::lens
