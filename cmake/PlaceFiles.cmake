# cmake -DFILES=a;b -DTO=FOLDER -P PlaceFiles.cmake: the files in the folder, as hard links where it is on the same disk (weights are large), else as copies.
file(MAKE_DIRECTORY ${TO})
foreach(file IN LISTS FILES)
  get_filename_component(name ${file} NAME)
  file(CREATE_LINK ${file} ${TO}/${name} COPY_ON_ERROR)
endforeach()
